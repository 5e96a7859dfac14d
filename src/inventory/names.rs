//! Names of manifests, made from what the vendor's objects are called.

/// Longest name: short enough for a label's value.
const LONGEST: usize = 63;

/// A name that says what it is, is the same every time, and that no other object of any backend of the namespace gets:
/// the backend's name, what is left of the vendor's name, and the id or a digest of it.
pub fn name(backend: &str, vendor: &str, id: &str) -> String {
    let plain = id.len() <= 8 && !id.is_empty() && id.bytes().all(is_plain);
    let tail = if plain { id.to_owned() } else { digest(id) };
    let room = LONGEST.saturating_sub(tail.len() + 1);
    let head: String = slug(&format!("{backend} {vendor}")).chars().take(room).collect();
    format!("{}-{tail}", head.trim_end_matches('-'))
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Ten characters: longer than any id that stands for itself.
fn digest(id: &str) -> String {
    blake3::hash(id.as_bytes()).to_hex().chars().take(10).collect()
}

/// Lower-case letters and digits, with one `-` for whatever else stands between them. Begins with the backend's name,
/// which is one already.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match u8::try_from(c).ok().filter(|byte| is_plain(*byte)) {
            Some(byte) => slug.push(char::from(byte)),
            None if slug.is_empty() || slug.ends_with('-') => {}
            None => slug.push('-'),
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_say_what_they_are() {
        let cases = [
            ("wso2", "VPN for sales", "2", "wso2-vpn-for-sales-2", "words"),
            ("wso2", "  Ärger & Söhne!! ", "17", "wso2-rger-s-hne-17", "what a name may not hold goes"),
            ("wso2", "日本", "3", "wso2-3", "nothing may be left"),
            ("wso2", "a", "A-1", "wso2-a-42880563ef", "an id that is no name is digested"),
        ];
        for (backend, vendor, id, expected, why) in cases {
            assert_eq!(name(backend, vendor, id), expected, "{why}");
        }
    }

    proptest! {
        #[test]
        fn every_name_is_one(vendor in ".{0,200}", id in ".{0,60}", backend in "[a-z0-9]([-a-z0-9.]{0,200}[a-z0-9])?") {
            let name = name(&backend, &vendor, &id);
            prop_assert!(name.len() <= LONGEST && name.bytes().all(|b| is_plain(b) || b == b'-'), "{name}");
            prop_assert!(name.bytes().next().is_some_and(is_plain) && name.bytes().last().is_some_and(is_plain), "{name}");
        }

        #[test]
        fn other_ids_have_other_names(vendor in ".{0,80}", other in ".{0,80}", one in ".{0,20}", two in ".{0,20}") {
            prop_assume!(one != two);
            prop_assert_ne!(name("b", &vendor, &one), name("b", &other, &two));
        }
    }
}
