//! Changes of documents: what a PUT asks for, at once or when its task succeeds.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    estate::{Customer, Estate},
    merge::merge,
    names::{CustomerId, Os},
    options::{ReplicateScope, WfbssOptions},
};

/// An accepted PUT.
#[derive(Debug, Clone)]
pub struct Write {
    /// Already checked.
    pub customers: Vec<CustomerId>,
    /// What of each customer.
    pub subject: Subject,
    /// In this order.
    pub steps: Vec<Step>,
}

/// Which documents of a customer.
#[derive(Debug, Clone)]
pub enum Subject {
    /// The policies of an OS; `None` is all groups.
    Policies(Os, Option<BTreeSet<u32>>),
    /// The global settings.
    Settings,
}

/// What happens to each document.
#[derive(Debug, Clone)]
pub enum Step {
    /// Merged in.
    Patch(Map<String, Value>),
    /// Replaced by that of another customer, for policies of this group.
    Copy(CustomerId, Option<u32>),
}

impl Write {
    /// The same for the first `reach` customers only.
    #[must_use]
    pub fn cut(&self, reach: usize) -> Self {
        Self { customers: self.customers.iter().take(reach).cloned().collect(), ..self.clone() }
    }

    /// Carries it out. What is gone meanwhile is passed over.
    pub fn perform(&self, estate: &mut Estate, options: &WfbssOptions, now: Timestamp) {
        for step in &self.steps {
            // The source is read before anything is written, as it may be among the targets.
            let source = match step {
                Step::Copy(from, _) => estate.customers.get(from).cloned(),
                Step::Patch(_) => None,
            };
            for id in &self.customers {
                if let Some(customer) = estate.customers.get_mut(id) {
                    self.subject.write(customer, step, source.as_ref(), options, now);
                }
            }
        }
    }
}

impl Subject {
    fn write(
        &self,
        customer: &mut Customer,
        step: &Step,
        source: Option<&Customer>,
        options: &WfbssOptions,
        now: Timestamp,
    ) {
        match (self, step) {
            (Self::Settings, Step::Patch(patch)) => {
                merge(Arc::make_mut(&mut customer.global), patch, options, now.as_second());
            }
            (Self::Settings, Step::Copy(..)) => {
                if let Some(source) = source {
                    customer.global = source.global.clone();
                }
            }
            (Self::Policies(os, gids), Step::Patch(patch)) => {
                let gids = all_or(customer, gids.as_ref());
                customer.edit(&gids, *os, options.shared_writes, |document| {
                    merge(document, patch, options, now.as_second());
                });
            }
            (Self::Policies(os, gids), Step::Copy(_, gid)) => {
                let gids = all_or(customer, gids.as_ref());
                let every = options.replicate_scope == ReplicateScope::AllOs;
                for os in Os::ALL.into_iter().filter(|each| every || each == os) {
                    let copied = source.and_then(|source| source.document((*gid)?, os));
                    if let Some(copied) = copied {
                        customer
                            .edit(&gids, os, options.shared_writes, |document| document.clone_from(copied));
                    }
                }
            }
        }
    }
}

fn all_or(customer: &Customer, gids: Option<&BTreeSet<u32>>) -> BTreeSet<u32> {
    gids.cloned().unwrap_or_else(|| customer.groups.keys().copied().collect())
}
