#![allow(clippy::unwrap_used)]

use super::*;

/// What a hostile Backend might carry (S3). None may pass with loopback closed.
const HOSTILE: &[(&str, &str)] = &[
    ("https://127.0.0.1/", "loopback"),
    ("https://127.0.0.1:6443/", "loopback with a port"),
    ("https://127.1/", "short form"),
    ("https://127.0.1/", "three parts"),
    ("https://2130706433/", "decimal"),
    ("https://0x7f000001/", "hexadecimal"),
    ("https://0x7f.0.0.1/", "mixed hexadecimal"),
    ("https://0177.0.0.1/", "octal"),
    ("https://017700000001/", "octal as a whole"),
    ("https://127.255.255.254/", "the far end of loopback"),
    ("https://127.0.0.1./", "trailing dot on an address"),
    ("https://①②⑦.⓪.⓪.①/", "circled digits"),
    ("https://127。0。0。1/", "ideographic full stops"),
    ("https://%31%32%37.0.0.1/", "encoded digits"),
    ("https://localhost/", "by name"),
    ("https://LOCALHOST/", "in capitals"),
    ("https://localhost./", "by name with a dot"),
    ("https://foo.localhost/", "below localhost"),
    ("https://0.0.0.0/", "unspecified"),
    ("https://0/", "unspecified, short"),
    ("https://0.1.2.3/", "this network"),
    ("https://169.254.169.254/latest/meta-data", "metadata"),
    ("https://2852039166/", "metadata in decimal"),
    ("https://0xa9fea9fe/", "metadata in hexadecimal"),
    ("https://0251.0376.0251.0376/", "metadata in octal"),
    ("https://169.254.170.2/", "container credentials"),
    ("https://169.254.1.1/", "link-local"),
    ("https://100.100.100.200/", "Alibaba metadata"),
    ("https://168.63.129.16/", "Azure's wire server"),
    ("https://192.0.0.192/", "Oracle metadata"),
    ("https://192.0.0.8/", "protocol assignments"),
    ("https://224.0.0.1/", "multicast"),
    ("https://239.255.255.250/", "multicast, discovery"),
    ("https://240.0.0.1/", "reserved"),
    ("https://255.255.255.255/", "broadcast"),
    ("https://[::1]/", "v6 loopback"),
    ("https://[0:0:0:0:0:0:0:1]/", "v6 loopback in full"),
    ("https://[::]/", "v6 unspecified"),
    ("https://[::ffff:127.0.0.1]/", "v4-mapped loopback"),
    ("https://[::ffff:7f00:1]/", "v4-mapped loopback in hexadecimal"),
    ("https://[::ffff:169.254.169.254]/", "v4-mapped metadata"),
    ("https://[::127.0.0.1]/", "v4-compatible"),
    ("https://[::ffff:0:127.0.0.1]/", "v4-translated"),
    ("https://[64:ff9b::127.0.0.1]/", "NAT64 loopback"),
    ("https://[64:ff9b::a9fe:a9fe]/", "NAT64 metadata"),
    ("https://[64:ff9b:1::1]/", "local NAT64"),
    ("https://[2002:7f00:1::]/", "6to4 loopback"),
    ("https://[2002:a9fe:a9fe::1]/", "6to4 metadata"),
    ("https://[2001:0:53aa:64c:0:ffff:80ff:fffe]/", "Teredo"),
    ("https://[2001:db8::5efe:127.0.0.1]/", "ISATAP loopback"),
    ("https://[2001:db8::200:5efe:a9fe:a9fe]/", "ISATAP metadata"),
    ("https://[fe80::1]/", "v6 link-local"),
    ("https://[febf::1]/", "v6 link-local, the far end"),
    ("https://[fec0::1]/", "v6 site-local"),
    ("https://[ff02::1]/", "v6 multicast"),
    ("https://[fd00:ec2::254]/", "v6 metadata"),
    ("https://[fd20:ce::254]/", "v6 metadata of another cloud"),
    ("https://metadata.google.internal/", "metadata by name"),
    ("https://METADATA.google.internal./", "metadata by name, disguised"),
    ("https://metadata/", "metadata, short"),
    ("https://instance-data/", "metadata, EC2's name"),
    ("https://kubernetes.default.svc/", "the API server"),
    ("https://kubernetes.default.svc.cluster.local/", "the API server in full"),
    ("https://kubernetes/", "the API server, short"),
    ("http://emm.example.com/", "no TLS"),
    ("ftp://emm.example.com/", "another scheme"),
    ("file:///etc/passwd", "a file"),
    ("gopher://emm.example.com/", "a scheme to smuggle with"),
    ("data:text/plain,x", "no host"),
    ("https://emm.example.com@127.0.0.1/", "a user that looks like a host"),
    ("https://user@emm.example.com/", "a user"),
    ("https://user:pass@emm.example.com/", "a password"),
    ("https://emm.example.com#@127.0.0.1/", "a fragment"),
    ("https://emm.example.com/?x=1", "a query"),
    ("https://127.0.0.1\\@emm.example.com/", "a backslash"),
    ("https://\t127.0.0.1/", "a tab"),
];

#[test]
fn no_hostile_url_passes() {
    assert!(HOSTILE.len() >= 60);
    for (text, why) in HOSTILE {
        let refused = Url::parse(text).map_or(true, |url| check_url(&url, false).is_err());
        assert!(refused, "{why}: {text}");
    }
}

#[test]
fn ordinary_urls_pass() {
    for text in [
        "https://emm.example.com",
        "https://emm.example.com:9443/",
        "https://10.1.2.3:9443",
        "https://192.168.0.10/",
        "https://172.16.0.1/",
        "https://100.64.0.1/",
        "https://[fd12:3456::1]/",
        "https://[2606:4700::1111]/",
        "https://yurbi.corp/yurbi/api",
        "https://metadata.example.com/",
        "https://kubernetes.example.com/",
    ] {
        assert_eq!(check_url(&Url::parse(text).unwrap(), false), Ok(()), "{text}");
    }
}

#[test]
fn the_flag_opens_loopback_and_nothing_else() {
    for text in [
        "http://127.0.0.1:41001/",
        "http://localhost:1/",
        "http://[::1]:1/",
        "https://127.1/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        assert_eq!(check_url(&Url::parse(text).unwrap(), true), Ok(()), "{text}");
    }
    for text in [
        "http://10.0.0.1/",
        "http://emm.example.com/",
        "https://169.254.169.254/",
        "https://[64:ff9b::127.0.0.1]/",
    ] {
        assert!(check_url(&Url::parse(text).unwrap(), true).is_err(), "{text}");
    }
}

#[test]
fn allowed_hosts_narrow_by_name_or_domain() {
    let allowed = ["emm.example.com".to_owned(), "*.trend.example".to_owned()];
    let cases = [
        ("emm.example.com", true),
        ("EMM.example.com.", true),
        ("a.trend.example", true),
        ("trend.example", false),
        ("eviltrend.example", false),
        ("emm.example.com.evil", false),
    ];
    for (host, expected) in cases {
        assert_eq!(is_listed(host, &allowed), expected, "{host}");
    }
    assert!(is_listed("anything", &[]));
}
