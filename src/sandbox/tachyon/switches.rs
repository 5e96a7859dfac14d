//! The answers to each open question (sections 2 to 12 of the sheet), one enum each.

use crate::sandbox::switch::switch;

switch! {
    /// What the sandbox hands out to log in with.
    Login {
        /// Application, certificate and key, for the token flow.
        TokenFlow,
        /// A token that somebody made elsewhere.
        ReadyToken,
    }
}
switch! {
    /// Where the Portal API is (section 2).
    PortalRoot {
        /// `/Tachyon/api`, 9.x and 23.x.
        TachyonApi,
        /// `/api`, from 24.1.
        Api,
    }
}
switch! {
    /// What the sandbox's Backend says about the Portal.
    PortalUrl {
        /// Nothing: it is on the same host, and its root must be found.
        Absent,
        /// The root of its host.
        Host,
        /// The root of its API.
        Root,
    }
}
switch! {
    /// How the Portal writes what it calls text: the metadata URL and the token.
    TextForm {
        /// As it is.
        Plain,
        /// As a JSON string, in quotes and with white space around.
        Quoted,
    }
}
switch! {
    /// What a token looks like (section 2: third parties read two forms).
    TokenForm {
        /// Opaque.
        Opaque,
        /// `Expiration` in its first segment.
        Expiration,
        /// A JWT, `exp` in its second segment.
        Jwt,
    }
}
switch! {
    /// `Authorization: Bearer` in place of the header (section 12).
    Bearer {
        /// As if no token was sent.
        Ignored,
        /// Honoured.
        Honoured,
    }
}
switch! {
    /// The body of a refusal (section 7).
    ErrorShape {
        /// The documented array.
        Array,
        /// One object with `ExceptionMessage`, as the framework writes.
        Object,
        /// A web page.
        Html,
        /// Nothing.
        Empty,
    }
}
switch! {
    /// How ids and counts are written (section 1).
    IdForm {
        /// As numbers.
        Number,
        /// As quoted strings.
        Quoted,
    }
}
switch! {
    /// What a create answers (4.1: not described).
    CreateReply {
        /// The object.
        Object,
        /// Its id alone.
        Id,
        /// 200 or 201 without a body.
        Empty,
        /// 204.
        NoContent,
    }
}
switch! {
    /// What an update, an enabling and a change of rules or assignments answer.
    UpdateReply {
        /// The policy or the rule.
        Object,
        /// 200 without a body.
        Empty,
        /// 204.
        NoContent,
    }
}
switch! {
    /// What a delete answers.
    DeleteReply {
        /// `true`.
        Boolean,
        /// 200 without a body.
        Empty,
        /// 204.
        NoContent,
    }
}
switch! {
    /// What the start of a deployment answers.
    DeployReply {
        /// An object with the id of the deployment.
        Object,
        /// `true`.
        Boolean,
        /// 200 without a body.
        Empty,
        /// 202 without a body.
        Accepted,
        /// 204.
        NoContent,
    }
}
switch! {
    /// Whether anything is pending.
    PendingForm {
        /// `true` or `false`.
        Boolean,
        /// An object with one member, whose name is an option.
        Object,
    }
}
switch! {
    /// The shape of `GET /Consumer/Policy/Changes`.
    ChangesForm {
        /// An array with a row for each policy.
        Rows,
        /// An object with ids under what happened to them.
        Grouped,
        /// An array of names.
        Names,
    }
}
switch! {
    /// Which policies `GET /Consumer/Policy/Changes` lists.
    ChangesHold {
        /// Those edited since the last deployment.
        Edited,
        /// Those of which devices hold something else.
        Different,
    }
}
switch! {
    /// `GET …/Assignments` (section 12).
    AssignmentsForm {
        /// An array of groups.
        Groups,
        /// An object with the array under `ManagementGroups`.
        Wrapped,
    }
}
switch! {
    /// `GET …/Permissions/Type/…/Operation/…` (section 3).
    PermissionForm {
        /// `true` or `false`.
        Boolean,
        /// An array: the permission, or nothing.
        List,
    }
}
switch! {
    /// `Enabled` of a policy that was created without a word about it (6.1).
    CreatedEnabled {
        /// False.
        Disabled,
        /// True.
        Enabled,
    }
}
switch! {
    /// `Enabled`, `Rules` and `ManagementGroups` in a create.
    CreateMembers {
        /// Stored.
        Stored,
        /// Dropped: they have calls of their own.
        Ignored,
    }
}
switch! {
    /// `Enabled` in a PUT (section 12).
    PutEnabled {
        /// Stored if sent.
        Stored,
        /// Never looked at.
        Ignored,
        /// Stored, and false if absent.
        AbsentIsFalse,
    }
}
switch! {
    /// `Rules`, `ManagementGroups`, `Description` and members unknown to the sheet in a PUT (section 12).
    PutOmitted {
        /// What is sent is stored, what is omitted stays.
        Kept,
        /// What is sent is stored, what is omitted is cleared.
        Cleared,
        /// Rules and groups are never looked at; the rest is as with `kept`.
        ListsIgnored,
    }
}
switch! {
    /// A POST that adds what is there (section 12).
    DuplicateAdds {
        /// Nothing happens.
        Idempotent,
        /// An error.
        Refused,
    }
}
switch! {
    /// A POST of several rules or groups of which one does not exist.
    PartialAdds {
        /// Nothing is added.
        AllOrNothing,
        /// Those before it are added.
        UpToTheFirst,
    }
}
switch! {
    /// Taking away a rule or a group that is not there.
    RemoveAbsent {
        /// Not found.
        NotFound,
        /// As if it had been there.
        Accepted,
    }
}
switch! {
    /// Deleting a policy that is in use (section 12).
    DeletePolicy {
        /// Works.
        Allowed,
        /// Refused while it is enabled.
        RefusedEnabled,
        /// Refused while it has groups.
        RefusedAssigned,
        /// Refused in both cases.
        RefusedEither,
    }
}
switch! {
    /// Deleting a rule that policies use (section 12).
    DeleteRule {
        /// Refused.
        Refused,
        /// It is taken out of them.
        Detached,
    }
}
switch! {
    /// Names of policies and rules (section 9).
    UniqueNames {
        /// Unique, whatever their case.
        FoldedCase,
        /// Unique, case counts.
        ExactCase,
        /// Not unique.
        NotUnique,
    }
}
switch! {
    /// `==` in a search.
    SearchCase {
        /// Case does not matter.
        Folded,
        /// Case matters.
        Exact,
    }
}
switch! {
    /// `TotalCount` of a search (section 5: name and comment disagree).
    TotalCount {
        /// All that match.
        Matching,
        /// Those on this page.
        Returned,
    }
}
switch! {
    /// The order of lists without a sort.
    ListOrder {
        /// By id.
        Id,
        /// Last changed first: an edit moves items between pages.
        Newest,
    }
}
switch! {
    /// How a name stands in `…/ManagementGroups/Name/{name}` (4.7).
    GroupName {
        /// Percent-encoded.
        Percent,
        /// As URL-safe base64 without padding.
        Base64,
    }
}
switch! {
    /// Which rows `GET …/PrincipalRoleManagementGroups` lists.
    RoleRows {
        /// Those of all principals on groups the caller sees.
        Visible,
        /// The caller's own.
        Own,
    }
}
switch! {
    /// Whom `HasAllDevicesManagementGroupAssigned` and `AssignedManagementGroupCount` of a role tell of (section 3).
    RoleFlag {
        /// The principal of the row.
        PerPrincipal,
        /// Whoever holds the role.
        PerRole,
    }
}
switch! {
    /// What an assignment needs from 8.0 on (section 3 contradicts itself).
    AssignRight {
        /// The GuaranteedState permission and PolicyAssignment/Assign.
        Both,
        /// PolicyAssignment/Assign alone.
        AssignAlone,
    }
}
switch! {
    /// What a deployment by somebody who does not see all groups covers (section 12).
    ScopedDeploy {
        /// Everything, the groups they do not see included.
        Everything,
        /// The groups they see; the others keep what they hold.
        VisibleGroups,
    }
}
switch! {
    /// `Pending/Changes` while a deployment runs.
    PendingDuring {
        /// Still pending.
        Pending,
        /// Not any more.
        Clear,
    }
}
switch! {
    /// Starting a deployment while one runs.
    DeployWhileRunning {
        /// Takes the place of the one that runs.
        Accepted,
        /// Refused.
        Refused,
    }
}
switch! {
    /// The update verb for rules (4.4).
    RuleUpdate {
        /// `PUT /Consumer/Rules`.
        Put,
        /// There is none.
        Absent,
    }
}
