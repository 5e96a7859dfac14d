//! The one part of an upload (section 6): `multipart/form-data` with a part named `data`.

use bytes::Bytes;

/// The content of the part with this name.
///
/// # Errors
/// A sentence: another content type, no boundary, none or several such parts.
pub fn part(content_type: &str, body: &Bytes, wanted: &str) -> Result<Bytes, String> {
    let mut parameters = content_type.split(';').map(str::trim);
    if !parameters.next().is_some_and(|kind| kind.eq_ignore_ascii_case("multipart/form-data")) {
        return Err(format!("the content type is {content_type:?}, wanted is multipart/form-data"));
    }
    let boundary = parameters
        .find_map(|one| one.strip_prefix("boundary="))
        .map(|text| text.trim_matches('"'))
        .filter(|text| !text.is_empty())
        .ok_or("the content type names no boundary")?;
    let mut found = parts(body, boundary).filter(|(head, _)| name(head).as_deref() == Some(wanted));
    match (found.next(), found.next()) {
        (Some((_, content)), None) => Ok(content),
        (None, _) => Err(format!("there is no part named {wanted:?}")),
        (Some(_), Some(_)) => Err(format!("there are several parts named {wanted:?}")),
    }
}

/// Heads and contents; an unfinished last part is none.
fn parts(body: &Bytes, boundary: &str) -> impl Iterator<Item = (String, Bytes)> {
    // The first delimiter need not follow a line break.
    let first = format!("--{boundary}");
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = match find(body, first.as_bytes()) {
        Some(at) => body.slice(at + first.len()..),
        None => Bytes::new(),
    };
    std::iter::from_fn(move || {
        let end = find(&rest, delimiter.as_bytes())?;
        let part = rest.slice(..end);
        rest = rest.slice(end + delimiter.len()..);
        let blank = find(&part, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&part.slice(..blank)).into_owned();
        Some((head, part.slice(blank + 4..)))
    })
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// The `name` of a part, not its `filename`.
fn name(head: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, disposition) =
        lines.into_iter().find(|(header, _)| header.trim().eq_ignore_ascii_case("content-disposition"))?;
    let parameter = disposition.split(';').map(str::trim).find_map(|one| one.strip_prefix("name="))?;
    Some(parameter.trim_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]

    use super::*;

    #[test]
    fn the_part_is_found_whole_or_not_at_all() {
        let kind = "multipart/form-data; boundary=b1";
        let data =
            "--b1\r\nContent-Disposition: form-data; name=\"data\"; filename=\"t\"\r\n\r\na\r\nb\r\n--b1";
        let other = "--b1\r\nContent-Disposition: form-data; filename=\"data\"; name=\"x\"\r\n\r\nq\r\n--b1";
        let both = format!("{other}{}--", data.trim_start_matches("--b1"));
        let twice = format!("{data}{}--", data.trim_start_matches("--b1"));
        let empty = "--b1\r\ncontent-disposition: form-data; name=data\r\n\r\n\r\n--b1--";
        for (kind, body, expected, why) in [
            (kind, format!("{data}--"), Ok("a\r\nb"), "line breaks inside stay"),
            (kind, both, Ok("a\r\nb"), "another part beside it"),
            (kind, empty.to_owned(), Ok(""), "nothing is content too"),
            ("multipart/form-data; boundary=\"b1\"", format!("{data}--"), Ok("a\r\nb"), "quoted boundary"),
            (kind, format!("{other}--"), Err("no part"), "a file name is no name"),
            (kind, twice, Err("several"), "one part only"),
            (kind, data.trim_end_matches("\r\n--b1").to_owned(), Err("no part"), "cut off"),
            ("multipart/form-data", String::new(), Err("boundary"), "no boundary"),
            ("application/json", "{}".to_owned(), Err("wanted is"), "another type"),
        ] {
            match (part(kind, &Bytes::from(body), "data"), expected) {
                (Ok(content), Ok(expected)) => assert_eq!(content, expected, "{why}"),
                (Err(problem), Err(word)) => assert!(problem.contains(word), "{why}: {problem}"),
                (got, _) => panic!("{why}: {got:?}"),
            }
        }
    }
}
