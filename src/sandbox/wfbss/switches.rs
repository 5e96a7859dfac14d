//! The answers to each open question (section 11 of the sheet), one enum each.

use crate::sandbox::switch::switch;

switch! {
    /// What an array in a PUT does to the stored one (9.2, rule 6).
    Arrays {
        /// The new list stands.
        Replace,
        /// New elements are put behind the old ones.
        Append,
    }
}
switch! {
    /// How deep objects are merged (9.2, rule 5).
    MergeDepth {
        /// At every level.
        Deep,
        /// Sections and their keys; what is below a key is replaced whole.
        LevelTwo,
    }
}
switch! {
    /// Whether GET shows URLs as rewritten by the server (9.4, rule 15).
    Urls {
        /// Trimmed, lower-cased scheme and host, path cut to `/*`, without duplicates.
        Normalised,
        /// As they were sent.
        AsSent,
    }
}
switch! {
    /// What happens to URLs that are not allowed (9.4, rules 16 and 17).
    InvalidUrls {
        /// 400.
        Reject,
        /// Left out silently.
        Drop,
        /// Stored.
        Keep,
    }
}
switch! {
    /// What happens to a URL without `http://` or `https://` (9.4, rule 16).
    MissingScheme {
        /// 400.
        Reject,
        /// `http://` is put in front.
        Add,
        /// Stored as it is.
        Keep,
    }
}
switch! {
    /// What happens to times sent next to a URL list.
    SentTimes {
        /// The server sets its own.
        Ignore,
        /// Stored where the length fits.
        Accept,
    }
}
switch! {
    /// What happens to keys that are in no document of this double (section 7.2 is all that is known).
    UnknownKeys {
        /// Stored.
        Keep,
        /// Left out silently.
        Drop,
        /// 400.
        Reject,
    }
}
switch! {
    /// What happens to a section the `fields` list of this OS does not have.
    UnknownSections {
        /// 400.
        Reject,
        /// Stored.
        Keep,
        /// Left out silently.
        Drop,
    }
}
switch! {
    /// What happens to a value of another type than the stored one, such as `true` for a 0/1 flag.
    WrongTypes {
        /// 400.
        Reject,
        /// `true`, `"1"` become `1` where a number stands; else 400.
        Coerce,
        /// Stored.
        Keep,
    }
}
switch! {
    /// What `null` does.
    Nulls {
        /// 400.
        Reject,
        /// Nothing.
        Ignore,
        /// Removes the key.
        Remove,
        /// Is stored.
        Store,
    }
}
switch! {
    /// How numbers read back (section 7.2: some arrive as strings).
    Numbers {
        /// `1`.
        Integers,
        /// `"1"`.
        Strings,
        /// `true` and `false` for 1 and 0.
        Booleans,
    }
}
switch! {
    /// How an empty section reads back (9.3, rule 13).
    EmptySections {
        /// `{}`.
        Object,
        /// Not at all.
        Absent,
    }
}
switch! {
    /// How a password reads back.
    Passwords {
        /// `""`.
        Empty,
        /// `"********"`.
        Masked,
        /// The key is missing.
        Absent,
    }
}
switch! {
    /// Whether GET puts equal documents into one entry (9.3, rule 14).
    Grouping {
        /// One entry for each document.
        PerDocument,
        /// Equal documents of the groups asked for share an entry.
        MergeRequested,
        /// Equal documents of all groups share an entry, asked for or not.
        MergeAll,
    }
}
switch! {
    /// What a write to a document that serves several groups does (9.3, rule 14).
    SharedWrites {
        /// Changes it for all of them.
        ChangeAll,
        /// Gives the groups written to a document of their own.
        Split,
    }
}
switch! {
    /// GET /policies with several cids (4.1, wording unclear).
    SeveralCustomers {
        /// 400.
        Reject,
        /// One entry in `customers` for each.
        Accept,
    }
}
switch! {
    /// `cids=`, present and empty.
    EmptyCids {
        /// As if absent: every customer.
        All,
        /// 400.
        Reject,
    }
}
switch! {
    /// A gid that a selected customer does not have.
    MissingGroup {
        /// 404 before any effect.
        Reject,
        /// Passed over.
        Skip,
    }
}
switch! {
    /// One bad customer (unknown, expired, no rights) among several.
    BadCustomer {
        /// The whole request fails.
        FailAll,
        /// The others are written, and the answer is a success.
        Skip,
    }
}
switch! {
    /// The body of an error.
    ErrorBody {
        /// `{"error": {"code", "message"}}`.
        Json,
        /// A web page.
        Html,
        /// Plain text.
        Text,
        /// Nothing.
        Empty,
    }
}
switch! {
    /// What `sync=true` answers.
    SyncWrites {
        /// Effect, then 200 with an empty body.
        Immediate,
        /// A task all the same.
        Task,
    }
}
switch! {
    /// What asking for an unknown task answers.
    UnknownTask {
        /// PENDING, as Celery does.
        Pending,
        /// 404.
        NotFound,
    }
}
switch! {
    /// `policy` and `replicate_from` in one body.
    BothForms {
        /// 400.
        Reject,
        /// `replicate_from` is ignored.
        PolicyOnly,
        /// Copied first, then changed.
        ReplicateThenPolicy,
    }
}
switch! {
    /// Neither `policy` nor `replicate_from`.
    NeitherForm {
        /// 400.
        Reject,
        /// 200, nothing changes.
        Accept,
    }
}
switch! {
    /// Which documents `replicate_from` copies.
    ReplicateScope {
        /// Of the `os` in the query.
        RequestedOs,
        /// All four.
        AllOs,
    }
}
switch! {
    /// `replicate_from` a group of the same customer.
    ReplicateWithin {
        /// Works.
        Allow,
        /// 400.
        Reject,
    }
}
switch! {
    /// POST /groups with a name the customer has.
    DuplicateGroup {
        /// A second group of that name.
        Create,
        /// 400.
        Reject,
        /// The id of the first one.
        ReturnExisting,
    }
}
switch! {
    /// What a new group starts with.
    NewGroup {
        /// The default documents.
        Defaults,
        /// A copy of group 1 of the customer.
        CopyOfDevice,
        /// Empty documents.
        Empty,
    }
}
switch! {
    /// Whether expired customers show up in lists asked for without `cids`.
    ExpiredInLists {
        /// No.
        Absent,
        /// Yes, though asking for them by id is 404.
        Present,
    }
}
switch! {
    /// Whether GET /policies carries `paging`.
    PoliciesPaging {
        /// Yes.
        Present,
        /// No.
        Absent,
    }
}
switch! {
    /// What `page` and `limit` of GET /policies count (4.4).
    PoliciesRecord {
        /// Entries of `policies`.
        Entries,
        /// Customers: all entries of a customer are on its page.
        Customers,
    }
}
