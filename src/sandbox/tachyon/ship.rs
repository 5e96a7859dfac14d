//! Deployments, for the whole server (4.3, section 8).

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Answer, Failure},
    deploy::EditKind,
    force::Force,
    inner::{Call, Inner},
    options::{ChangesForm, ChangesHold, DeployReply, DeployWhileRunning, PendingForm},
};

/// `POST /Consumer/Policy`: ships everything, other people's unfinished edits too.
pub fn deploy(inner: &mut Inner, call: &Call) -> Result<Answer, Failure> {
    if inner.estate.fleet.is_running() && inner.options.deploy_while_running == DeployWhileRunning::Refused {
        return Err(inner.conflict("Policy.DeploymentInProgress", "A deployment is in progress."));
    }
    let id = match call.struck.contains(&Force::DeploymentLost) {
        true => inner.estate.next_id(),
        false => inner.estate.deploy(&call.hand(), &call.sight, &inner.options),
    };
    Ok(match inner.options.deploy_reply {
        DeployReply::Object => Answer::json(json!({"Id": id, "Status": "InProgress"})),
        DeployReply::Boolean => Answer::json(json!(true)),
        DeployReply::Empty => Answer::empty(StatusCode::OK),
        DeployReply::Accepted => Answer::empty(StatusCode::ACCEPTED),
        DeployReply::NoContent => Answer::empty(StatusCode::NO_CONTENT),
    })
}

/// `GET /Consumer/Policies/Pending/Changes`: for the whole server, not for a policy.
pub fn pending(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    let pending = inner.estate.fleet.is_pending(&inner.options);
    Ok(Answer::json(match inner.options.pending_form {
        PendingForm::Boolean => pending.into(),
        PendingForm::Object => json!({ &inner.options.pending_member: pending }),
    }))
}

/// `GET /Consumer/Policy/Changes`: what a deployment started now would contain.
pub fn changes(inner: &mut Inner, _: &Call) -> Result<Answer, Failure> {
    let changes: BTreeMap<i32, (String, EditKind)> = match inner.options.changes_hold {
        ChangesHold::Edited => {
            let edits = inner.estate.fleet.edits.iter();
            edits.map(|(id, edit)| (*id, (edit.name.clone(), edit.kind))).collect()
        }
        ChangesHold::Different => inner.estate.differences(),
    };
    Ok(Answer::json(shaped(inner.options.changes_form, changes)))
}

fn shaped(form: ChangesForm, changes: BTreeMap<i32, (String, EditKind)>) -> Value {
    let ids = |wanted: EditKind| -> Vec<i32> {
        changes.iter().filter(|(_, (_, kind))| *kind == wanted).map(|(id, _)| *id).collect()
    };
    match form {
        ChangesForm::Rows => {
            let row = |(id, (name, kind)): (i32, (String, EditKind))| json!({"PolicyId": id, "PolicyName": name, "ChangeType": kind.word()});
            changes.into_iter().map(row).collect()
        }
        ChangesForm::Grouped => json!({
            "Created": ids(EditKind::Created),
            "Modified": ids(EditKind::Modified),
            "Deleted": ids(EditKind::Deleted),
        }),
        ChangesForm::Names => changes.into_values().map(|(name, _)| name).collect(),
    }
}
