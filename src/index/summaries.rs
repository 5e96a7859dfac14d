//! What the status of Policies and TargetGroups is made from.

