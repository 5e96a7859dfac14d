//! Which call a path names (sections 3, 4 and 6).

use super::options::AppShieldOptions;

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    DoLogin,
    DoLogout,
    ValidSession,
    CheckSession,
    RefreshSession,
    /// Under a name the test chooses.
    ResetPassport,
    NewPolicy,
    SavePolicy,
    /// Under a name the test chooses.
    PolicyList,
    /// Under a name the test chooses.
    GetPolicy,
    /// Under a name the test chooses.
    DeletePolicy,
    GroupList,
    ContactList,
}

const CALLS: [(&str, Op); 9] = [
    ("/login/dologin", Op::DoLogin),
    ("/login/dologout", Op::DoLogout),
    ("/login/validsession", Op::ValidSession),
    ("/session/checksession", Op::CheckSession),
    ("/session/refreshsession", Op::RefreshSession),
    ("/appshield/newpolicy", Op::NewPolicy),
    ("/appshield/saveappshieldpolicy", Op::SavePolicy),
    ("/group/getallsecuritygroups", Op::GroupList),
    ("/contact/getcontactlist", Op::ContactList),
];

/// The call behind a path, whose case does not matter (section 2).
pub fn find(options: &AppShieldOptions, path: &str) -> Option<Op> {
    let path = path.to_ascii_lowercase();
    let call = path.strip_prefix(&options.base.to_ascii_lowercase())?;
    let published = CALLS.iter().find(|(name, _)| *name == call).map(|(_, op)| *op);
    published.or_else(|| chosen(options, call))
}

fn chosen(options: &AppShieldOptions, call: &str) -> Option<Op> {
    let paths = &options.paths;
    [
        (&paths.list, Op::PolicyList),
        (&paths.get, Op::GetPolicy),
        (&paths.delete, Op::DeletePolicy),
        (&paths.reset_passport, Op::ResetPassport),
    ]
    .into_iter()
    .find(|(path, _)| path.as_ref().is_some_and(|path| same(path, call)))
    .map(|(_, op)| op)
}

fn same(path: &str, call: &str) -> bool {
    path.trim_start_matches('/').eq_ignore_ascii_case(call.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::app_shield::options::Paths;

    #[test]
    fn a_path_is_found_in_any_case_below_the_base_only() {
        let paths = Paths { list: Some("AppShield/Policies".to_owned()), ..Paths::default() };
        let options =
            AppShieldOptions { base: "/yurbi/api".to_owned(), paths, ..AppShieldOptions::default() };
        for (why, path, op) in [
            ("as published", "/yurbi/api/login/DoLogin", Some(Op::DoLogin)),
            ("in another case", "/Yurbi/API/Login/dologin", Some(Op::DoLogin)),
            ("below another base", "/api/login/DoLogin", None),
            ("under a name the test chose", "/yurbi/api/appshield/policies", Some(Op::PolicyList)),
            ("a name nobody chose", "/yurbi/api/AppShield/DeletePolicy", None),
            ("a longer name", "/yurbi/api/login/DoLogin/x", None),
        ] {
            assert_eq!(find(&options, path), op, "{why}");
        }
    }
}
