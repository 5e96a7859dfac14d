//! The answers to each open question (section 12 of the sheet), one enum each.

use crate::sandbox::switch::switch;

switch! {
    /// A token used from another network location (3.2).
    SecondLocation {
        /// Ends the session for everybody, and this call with it.
        Ends,
        /// The session moves: this call is served, the earlier location is refused from now on.
        Moves,
        /// Nothing happens.
        Ignored,
    }
}
switch! {
    /// A login with `bolForceLogin: true` while the account is logged in (3.2, inferred).
    ForcedLogin {
        /// Ends the account's other sessions.
        EndsOthers,
        /// All live on.
        KeepsOthers,
    }
}
switch! {
    /// A login without `bolForceLogin` while the account is logged in.
    UnforcedLogin {
        /// One more session.
        Accepted,
        /// No session, with code `alreadyLoggedIn`.
        Refused,
    }
}
switch! {
    /// `ErrorCode` of a CheckSession that says `IsValid: false`.
    InvalidCheck {
        /// 0: the check itself went well.
        Zero,
        /// The code of an invalid session.
        Coded,
    }
}
switch! {
    /// DoLogout of a session that is over.
    LogoutOfNobody {
        /// As if it had lived.
        Accepted,
        /// Refused as an invalid session.
        Refused,
    }
}
switch! {
    /// When a changed policy reaches people who are logged in (3.2, inferred).
    PolicyEffect {
        /// When their session's passport is built next: at login, or by the passport's reset.
        Passport,
        /// At once.
        AtOnce,
    }
}
switch! {
    /// Who may call what is not about sessions (3.1: "most management calls need an admin session").
    Rights {
        /// Only administrators.
        Enforced,
        /// Everybody.
        Ignored,
    }
}
switch! {
    /// `isDeepSave: false` (4.2).
    ShallowSave {
        /// Constraints, groups and users stay as they are.
        ScalarsOnly,
        /// The flag changes nothing.
        Everything,
    }
}
switch! {
    /// `groups`, `users` or `Constraints` absent or null in a deep save (section 9).
    MissingLists {
        /// Taken as empty.
        Clear,
        /// Left as it is.
        Keep,
    }
}
switch! {
    /// `Name`, `Description` or `isActive` absent or null in an update (section 9).
    MissingFields {
        /// Null, null and `false` are stored.
        Reset,
        /// Left as it is.
        Keep,
    }
}
switch! {
    /// What `groups` and `users` do to the stored ones (section 9).
    Lists {
        /// The new list stands.
        Replace,
        /// New members are put behind the old ones.
        Merge,
    }
}
switch! {
    /// Whether `policy.Constraints` is how constraints are saved at all (section 12).
    ConstraintSaves {
        /// It is.
        Stored,
        /// What is sent is silently dropped; the stored ones stay and are answered.
        Ignored,
        /// A list that is not empty is refused.
        Refused,
    }
}
switch! {
    /// What the server makes of the elements of `Constraints` (section 5).
    ConstraintElements {
        /// Kept as they are sent.
        AsSent,
        /// Objects get members of the server's own.
        Decorated,
    }
}
switch! {
    /// `policy.Groups` and `policy.Users` in a request, where samples have null (section 12).
    NestedLists {
        /// Not looked at.
        Ignored,
        /// They count where the top-level list is missing.
        Used,
        /// Anything but null is refused.
        Refused,
    }
}
switch! {
    /// `isActive: true` in a create (section 12).
    ActiveOnCreate {
        /// Stored.
        Stored,
        /// The new policy is inactive all the same.
        Ignored,
        /// Refused.
        Refused,
    }
}
switch! {
    /// A save with an id nobody has (section 9).
    UnknownId {
        /// Refused.
        Error,
        /// A new policy with a new id.
        Create,
        /// A new policy with that id.
        CreateAsSent,
        /// Answered as if saved, stored nowhere.
        Ignore,
    }
}
switch! {
    /// A name another policy has (section 9).
    DuplicateNames {
        /// Taken twice.
        Allowed,
        /// Refused.
        Refused,
        /// Refused, also in another case.
        RefusedFolded,
    }
}
switch! {
    /// Group or user ids nobody has (4.3).
    UnknownMembers {
        /// Stored and echoed as stubs.
        Accepted,
        /// The save is refused.
        Refused,
        /// Silently left out.
        Dropped,
    }
}
switch! {
    /// A group or user deleted in the console that policies name.
    RemovedMembers {
        /// Policies go on naming it.
        Dangle,
        /// Policies lose it.
        Unlinked,
    }
}
switch! {
    /// Order of `Groups` and `Users` in answers.
    MemberOrder {
        /// As sent.
        AsSent,
        /// By id.
        Sorted,
    }
}
switch! {
    /// `CreatedDate` of an update (section 11, assumed).
    CreatedDate {
        /// The stored one stays.
        Kept,
        /// The one in the request is stored, if any.
        FromRequest,
    }
}
switch! {
    /// A name or description longer than `nameLimit`, `descriptionLimit`.
    Overlong {
        /// Refused.
        Refused,
        /// Cut without a word.
        Cut,
    }
}
switch! {
    /// Type of `ErrorCode` in the answers about policies (section 7).
    CodeForm {
        /// `"0"`
        Text,
        /// `0`, as everywhere else.
        Integer,
    }
}
switch! {
    /// Shape of a refused save (section 7, inferred).
    RefusalShape {
        /// A policy without id.
        Policy,
        /// `ErrorCode` and `ErrorMessage` alone.
        Bare,
    }
}
switch! {
    /// How calls that answer a bare array refuse: they have no envelope (section 7).
    ListRefusal {
        /// An object with `ErrorCode` and `ErrorMessage` in place of the array.
        Envelope,
        /// An empty array: nothing tells it from an installation without groups.
        EmptyArray,
        /// An array with one element that carries nothing but the code.
        FaultyElement,
    }
}
switch! {
    /// Shape of a list of users or policies (sections 6 and 12).
    ListShape {
        /// A bare array, as groups are listed.
        BareArray,
        /// An object with `ErrorCode`, `ErrorMessage` and the array under `listKey`.
        Wrapped,
    }
}
switch! {
    /// Whether the hidden group "All Users" is listed (section 1).
    AllUsers {
        /// It is not.
        Hidden,
        /// It is.
        Listed,
    }
}
switch! {
    /// What the list of policies holds, where a test gives it a path.
    PolicyList {
        /// All of each policy.
        Full,
        /// Null for constraints and members, like other stubs.
        Stubs,
    }
}
switch! {
    /// Reading an id nobody has, where a test gives the call a path.
    ReadAbsent {
        /// Refused.
        Error,
        /// A success that is null.
        Null,
        /// The blank template.
        Blank,
        /// A list of none.
        EmptyList,
    }
}
switch! {
    /// Deleting an id nobody has, where a test gives the call a path.
    DeleteAbsent {
        /// Refused.
        Error,
        /// As if it had been there.
        Success,
    }
}
