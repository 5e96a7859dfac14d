#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use serde_json::json;

use super::*;
use crate::{
    drivers::{
        http::scripted::{Reply, Scripted},
        wfbss::testing::{A, B, C, driver, session},
    },
    model::catalogue::Lookup,
};

fn customers_page(total: u64, limit: u64, ids: &[&str]) -> Page<CustomerRow> {
    let records: Vec<_> = ids.iter().map(|id| json!({"id": id, "name": format!("Company {id}")})).collect();
    wire::customers(&json!({"paging": {"total": total, "limit": limit}, "customers": records})).unwrap()
}

#[test]
fn a_list_is_whole_only_where_nothing_speaks_against_it() {
    let unpaged = |ids: &[&str]| Page { paging: None, ..customers_page(0, 1, ids) };
    let garbled = || Page { garbled: 1, records: 2, ..customers_page(2, 100, &[A]) };
    let cases = [
        ("one page", vec![customers_page(2, 100, &[A, B])], true),
        (
            "three pages",
            vec![customers_page(3, 1, &[A]), customers_page(3, 1, &[B]), customers_page(3, 1, &[C])],
            true,
        ),
        ("nobody", vec![customers_page(0, 100, &[])], true),
        ("without paging, short", vec![unpaged(&[A])], true),
        ("fewer than the total", vec![customers_page(3, 100, &[A, B])], false),
        ("a page repeated", vec![customers_page(2, 1, &[A]), customers_page(2, 1, &[A])], false),
        ("shrinking while read", vec![customers_page(3, 1, &[A]), customers_page(2, 1, &[B])], false),
        (
            "growing while read",
            vec![customers_page(2, 1, &[A]), customers_page(3, 1, &[B]), customers_page(3, 1, &[C])],
            false,
        ),
        ("an empty page before the end", vec![customers_page(9, 1, &[A]), customers_page(9, 1, &[])], false),
        ("more than the total", vec![customers_page(1, 100, &[A, B])], false),
        ("a record not understood", vec![garbled()], false),
    ];
    for (why, pages, whole) in cases {
        let mut listing = Listing::new(Total::Customers);
        let asked: Vec<bool> = pages.into_iter().map(|page| listing.add(page)).collect();
        assert_eq!(
            asked.iter().filter(|more| !**more).count(),
            1,
            "{why}: asks on until the last page, {asked:?}"
        );
        assert_eq!(asked.last(), Some(&false), "{why}");
        assert_eq!(listing.whole, whole, "{why}");
    }
}

#[test]
fn a_list_without_end_is_given_up_and_not_whole() {
    let mut listing = Listing::new(Total::Unclear);
    while listing.add(customers_page(u64::MAX, 1, &[A])) {}
    assert!(!listing.whole);
    assert_eq!(listing.pages, MAX_PAGES);
}

fn listing<T: Merge>(rows: Vec<(&str, T)>) -> Listing<T> {
    let mut listing = Listing::new(Total::Customers);
    listing.rows = rows.into_iter().map(|(id, row)| (CustomerId::parse(id).unwrap(), row)).collect();
    listing
}

#[test]
fn the_catalogue_says_who_has_expired_and_what_may_be_missing() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let row = |name: &str, expire: Option<&str>| CustomerRow {
        name: name.into(),
        expire: expire.map(|at| at.parse().unwrap()),
    };
    let customers = listing(vec![
        (A, row("Acme", Some("2030-06-01T15:59:59Z"))),
        (B, row("Bygone", Some("2020-06-01T15:59:59Z"))),
        (C, row("Careless", None)),
    ]);
    let group = |name: &str| GroupsRow {
        groups: BTreeMap::from([(super::super::ids::GroupId::new(2), name.into())]),
        whole: true,
    };
    let groups = listing(vec![(A, group("Server (Default)"))]);
    let catalogue = assemble(&customers, &groups, now);
    let unusable: Vec<_> = catalogue.of(EntryKind::Customer).iter().map(|e| e.unusable.is_some()).collect();
    assert_eq!(unusable, [false, true, false], "only the one whose licence ended");
    let found = catalogue.lookup(EntryKind::Group, Some(A), |entry| entry.id == "2");
    assert!(matches!(found, Lookup::Found(entry) if entry.name == "Server (Default)"));
    assert_eq!(
        catalogue.lookup(EntryKind::Group, Some(C), |_| true),
        Lookup::NotFound,
        "a whole list says: none"
    );

    let torn = |mut groups: Listing<GroupsRow>| {
        groups.whole = false;
        assemble(&customers, &groups, now).lookup(EntryKind::Group, Some(C), |_| true) == Lookup::Unknown
    };
    assert!(torn(listing(vec![])), "a cut list never says: none");
    let half = listing(vec![(A, GroupsRow { whole: false, ..group("x") })]);
    assert!(!assemble(&customers, &half, now).is_complete(EntryKind::Group), "one group was not understood");
    let strangers = listing(vec![("AD38F82D-51A1-46FD-B167-E0D0FF31BE83", group("x"))]);
    assert!(
        !assemble(&customers, &strangers, now).is_complete(EntryKind::Customer),
        "a customer the list lacks"
    );
}

#[tokio::test(start_paused = true)]
async fn lists_are_asked_for_page_by_page() {
    let page = |id: &str| json!({"paging": {"total": 2, "limit": 1}, "customers": [{"id": id, "name": "x", "groups": []}]});
    let replies = [A, B, A, B].map(|id| Reply::json(200, &page(id))).to_vec();
    let (session, wire) = session(replies);
    let catalogue = catalogue(&session).await.unwrap();
    assert_eq!(catalogue.of(EntryKind::Customer).len(), 2);
    let base = "GET /SMPI/v2.8/service/wfbss/api/customers";
    let expected =
        ["?page=1&limit=100", "?page=2&limit=100", "/groups?page=1&limit=100", "/groups?page=2&limit=100"];
    assert_eq!(wire.lines(), expected.map(|rest| format!("{base}{rest}")));
}

#[tokio::test(start_paused = true)]
async fn another_product_is_told_from_a_system_in_trouble() {
    let cases = [
        ("no such API", Reply::text(404, "not here"), Class::Rejected, "check spec.system.wfbss.url"),
        (
            "another API",
            Reply::json(200, &json!({"hello": "world"})),
            Class::Rejected,
            "check spec.system.wfbss.url",
        ),
        ("a proxy's page", Reply::text(200, "<html>maintenance"), Class::Transient, "markup"),
        ("refused", Reply::text(401, "who are you"), Class::Unauthorized, "401"),
        ("forbidden", Reply::text(403, "no"), Class::Unauthorized, "403"),
        ("down", Reply::text(500, "oops"), Class::Transient, "500"),
    ];
    for (why, reply, class, words) in cases {
        let error = evidence(&session(vec![reply]).0).await.unwrap_err();
        assert_eq!(error.class, class, "{why}");
        assert!(error.message.contains(words), "{why}: {}", error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_the_clock_says_so() {
    let refused = |status| Reply::text(status, "signature").with("date", "Tue, 14 Nov 2023 22:33:20 GMT");
    for status in [401, 403] {
        let error = evidence(&session(vec![refused(status)]).0).await.unwrap_err();
        assert_eq!((error.class, error.reason), (Class::Unauthorized, Reason::Unauthorized));
        assert!(error.message.contains("1200 s behind"), "{}", error.message);
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_that_ignores_pages_is_not_asked_for_ever() {
    let documents: Vec<_> = (1..=100).map(|gid| json!({"gid": [gid], "policy": {}})).collect();
    let answer = json!({"customers": [{"id": A, "policies": documents}]});
    let wire = Scripted::new(move |_| Reply::json(200, &answer));
    let session = driver(wire.clone(), &json!({})).session;
    let query = Query {
        resource: &["policies"],
        parameters: &[("cids", A)],
        decode: wire::policies,
        counts: Total::Unclear,
        pages: 50,
        alien: Class::Transient,
    };
    let listing = query.read(&session).await.unwrap();
    assert_eq!((listing.rows.values().map(Merge::size).sum::<usize>(), wire.lines().len()), (100, 2));
    assert!(!listing.whole, "whether the second page was meant is not known");
}
