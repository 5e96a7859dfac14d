//! The answers to each open question (section 14 of the sheet), one enum each.

use crate::sandbox::switch::switch;

switch! {
    /// What the Backend of the sandbox is told; both generations are served (section 1).
    Generation {
        /// Expression Filter v2, `/agent/v1/dlp/policies`.
        V1,
        /// Expression Filter v3, `/agent/v3/dlp/policies`.
        V3,
    }
}
switch! {
    /// Form of the private key that logs in (3.1, step 2).
    KeyForm {
        /// `BEGIN PRIVATE KEY`.
        Pkcs8,
        /// `BEGIN RSA PRIVATE KEY`.
        Pkcs1,
    }
}
switch! {
    /// When a call needs the key manager token (3.4).
    KeyManagerToken {
        /// On every call, as older Agents and the seed document have it.
        Always,
        /// Unless the Agent is 24.12 or newer, as the OpenAPI has it.
        ByVersion,
        /// Unless the Agent is 24.12 or newer and the session token carries
        /// `canUseSimplifiedKeyDelivery`, as the BDK has it.
        ByDelivery,
    }
}
switch! {
    /// The body of an error of the filter service behind the Agent (section 9).
    ErrorBody {
        /// JSON whose `message` holds the service's JSON as text.
        Embedded,
        /// JSON whose `message` is a sentence.
        Plain,
        /// A proxy's web page.
        Html,
        /// Nothing: both members of `Error` are optional, so is the body.
        Empty,
    }
}
switch! {
    /// The content type of an error of a download: the declared one, or the true one (section 9).
    DownloadErrors {
        /// `application/octet-stream` around JSON.
        Octets,
        /// `application/json`.
        Json,
    }
}
switch! {
    /// What the 30 of a name count (12, quirk 4).
    NameLength {
        /// Characters.
        Characters,
        /// Bytes of UTF-8.
        Bytes,
        /// UTF-16 units, as Java counts.
        Utf16,
    }
}
switch! {
    /// Whether names that differ in case only are the same (12, quirk 4).
    NameCase {
        /// They are two names.
        Sensitive,
        /// They are one.
        Insensitive,
    }
}
switch! {
    /// Whether the name of something deleted may be used again.
    DeletedNames {
        /// Yes.
        Free,
        /// No: it is a duplicate.
        Taken,
    }
}
switch! {
    /// Who still sees a deleted policy; EFv3 has a member `deleted` (section 5).
    DeletedPolicies {
        /// Nobody.
        Gone,
        /// Whoever asks for it by id.
        Readable,
        /// The list of EFv3 too.
        Listed,
    }
}
switch! {
    /// Whether the generations show each other's policies. They never write them.
    OtherGeneration {
        /// No.
        Hidden,
        /// In lists and by id, put into the asker's words.
        Shown,
    }
}
switch! {
    /// Whether enable and disable are changes that raise the version (section 8).
    StateVersions {
        /// They are not.
        Keep,
        /// They are.
        Raise,
    }
}
switch! {
    /// What a write does that changes nothing.
    UnchangedWrites {
        /// It raises the version all the same.
        Raise,
        /// Nothing.
        Keep,
    }
}
switch! {
    /// Which version of its dictionaries a policy shows.
    DictionaryRefs {
        /// The newest.
        Current,
        /// That of the policy's last write, or of the dictionary's last renaming.
        Pinned,
    }
}
switch! {
    /// `dictionaryIds` left out (section 14).
    AbsentDictionaries {
        /// As the empty list: detached and disabled.
        AsEmpty,
        /// 400, as the OpenAPI since March 2024 has it.
        Reject,
        /// What is stored stands.
        Keep,
    }
}
switch! {
    /// `contentTypes` left out: required, but with a default in prose (4.1).
    AbsentContentTypes {
        /// 400.
        Reject,
        /// `Messages`.
        Messages,
    }
}
switch! {
    /// `action` left out: required, but with a default in prose (section 5).
    AbsentAction {
        /// 400.
        Reject,
        /// `LogOnly`.
        LogOnly,
    }
}
switch! {
    /// What becomes of dictionaries that an empty list detached and no policy uses (4.3, rule 3).
    Detached {
        /// They stay.
        Survive,
        /// They are deleted.
        Deleted,
    }
}
switch! {
    /// Enabling a policy that looks for nothing.
    EnableEmpty {
        /// 400.
        Reject,
        /// 200.
        Accept,
    }
}
switch! {
    /// Enabling an enabled policy, disabling a disabled one.
    RepeatedState {
        /// 200, nothing changes.
        Accept,
        /// 400.
        Reject,
    }
}
switch! {
    /// Editing an enabled policy.
    EditEnabled {
        /// Works.
        Accept,
        /// 400: disable first.
        Reject,
    }
}
switch! {
    /// Deleting a dictionary that policies use (section 6).
    ReferencedDictionary {
        /// 400, as the docs have it.
        Refuse,
        /// It is taken out of them, as "related policies are affected" may mean.
        Detach,
    }
}
switch! {
    /// What a download holds (section 6).
    ContentForm {
        /// What was uploaded.
        AsUploaded,
        /// One term per line, as the download page shows.
        Lines,
        /// Terms with commas between them, as the schema says.
        Commas,
    }
}
switch! {
    /// What in EFv3 counts as the empty list of EFv2 (section 5).
    EmptyRules {
        /// One text rule without dictionaries.
        AnyRule,
        /// Text rules, all of them without dictionaries.
        AllRules,
        /// Neither: a text rule without dictionaries is a 400.
        Reject,
    }
}
switch! {
    /// A dictionary reference of EFv3 with another name or version than the newest (12, quirk 7).
    StaleRefs {
        /// Only the id counts.
        Accept,
        /// 400.
        Reject,
    }
}
switch! {
    /// Rules `FILE_EXTENSION` and `FILE_SIZE`, which the docs do not list as settable (section 5).
    FileRules {
        /// Work.
        Accept,
        /// 400.
        Reject,
    }
}
switch! {
    /// Types on which OpenAPI and docs disagree: `countUniqueOccurrences`, `matchCriteria` (section 5).
    FieldTypes {
        /// A number and a string.
        Spec,
        /// A string and a list, in answers; both are taken in requests.
        Docs,
    }
}
switch! {
    /// How classifiers, which ignore case, read back (section 5).
    ClassifierCase {
        /// As they were sent.
        AsSent,
        /// In lower case.
        Lower,
    }
}
switch! {
    /// The case of words such as `Block` in answers (12, quirk 6).
    WordCase {
        /// As in requests.
        AsSent,
        /// `BLOCK`, as in violations.
        Upper,
    }
}
switch! {
    /// The order of scopes, content types and references in answers (12, quirk 6).
    ArrayOrder {
        /// As they were sent.
        AsSent,
        /// Sorted.
        Sorted,
        /// Backwards.
        Reversed,
    }
}
switch! {
    /// The order of lists, which nobody documents (section 7).
    ListOrder {
        /// Oldest first.
        Created,
        /// By name.
        Name,
        /// Last changed first: an edit moves items between pages.
        Updated,
    }
}
switch! {
    /// `limit` over 50 (section 7).
    OverLimit {
        /// 50 it is.
        Clamp,
        /// 400.
        Reject,
        /// As many as asked for.
        Honour,
    }
}
switch! {
    /// A negative `page`, a `limit` below 1 (section 7).
    NegativePages {
        /// 400.
        Reject,
        /// As if absent.
        Default,
    }
}
