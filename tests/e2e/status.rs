//! `ordain status` as a team runs it: the built binary, a user who may only read, a terminal, a pipe that closes.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    Installation, apply_text, eventually, kubectl,
    programs::{Program, path_of, signal},
};

const WSO2: &str = include_str!("../../examples/wso2-baseline.yaml");

const EVENTS: &str = r#"- {apiGroups: [""], resources: [events], verbs: [list]}"#;

/// Somebody who may read the team's objects and nothing else: no ClusterBackends, no other namespace.
fn reader(team: &str) -> String {
    format!(
        r"
apiVersion: v1
kind: ServiceAccount
metadata: {{name: reader, namespace: {team}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader, namespace: {team}}}
rules:
- {{apiGroups: [ordain.dev], resources: [policies, policyassignments, targetgroups, backends], verbs: [list, watch]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: reader, namespace: {team}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}
subjects: [{{kind: ServiceAccount, name: reader, namespace: {team}}}]
"
    )
}

/// That somebody's terminal.
struct Person {
    team: String,
    folder: tempfile::TempDir,
    kubeconfig: PathBuf,
}

impl Person {
    fn new(team: &str) -> Self {
        apply_text(&reader(team));
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let token = kubectl(&["create", "token", "reader", "-n", team]);
        let admin = fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap();
        let mut config: Value = serde_saphyr::from_str(&admin).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            user["user"] = serde_json::json!({ "token": token.trim() });
        }
        fs::write(&kubeconfig, config.to_string()).unwrap();
        Self { team: team.to_owned(), folder, kubeconfig }
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(path_of("ORDAIN_BIN"));
        command.arg("status").args(flags).env("KUBECONFIG", &self.kubeconfig);
        without_wishes(&mut command);
        command
    }

    fn status(&self, flags: &[&str]) -> Output {
        self.command(&[&["-n", &self.team], flags].concat()).output().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.status(&["--output", "json"]).stdout).unwrap()
    }

    /// The same in a terminal, which `script` stands for.
    fn terminal(&self, environment: &str) -> String {
        let typed = format!("{environment} {} status -n {}", path_of("ORDAIN_BIN"), self.team);
        let mut script = Command::new("script");
        script.args(["-qec", &typed, "/dev/null"]).env("KUBECONFIG", &self.kubeconfig).env("TERM", "xterm");
        without_wishes(&mut script);
        let out = script.stdin(Stdio::null()).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    }
}

/// Somebody allows the camera in the console, and it is looked for at once.
fn drift(installation: &Installation) {
    let camera = json!({"policies": [{"name": "Phone baseline", "features": {"CAMERA": {"enabled": true}}}]});
    installation.sandbox.by_hand("wso2", &camera);
    let (name, now) = ("phone-baseline-engineers", "ordain.dev/reconcile-requested-at=now");
    kubectl(&["annotate", "policyassignment", name, "-n", &installation.team, "--overwrite", now]);
}

/// What was put back is told to whoever may list Events, and to others that they are not told.
fn sees_what_was_put_back(installation: &Installation, person: &Person) {
    let unseen = person.status(&[]);
    let told = format!("events in {} cannot be listed, so they are not shown", installation.team);
    assert!(said(&unseen).contains(&told), "{}", said(&unseen));
    apply_text(&reader(&installation.team).replace("rules:\n", &format!("rules:\n{EVENTS}\n")));
    drift(installation);
    let put_back =
        || said(&person.status(&[])).contains("PUT BACK LATELY\nstatus/phone-baseline-engineers, ");
    assert!(eventually(put_back), "{}", said(&person.status(&[])));
    let one = &person.json()["corrected"][0];
    let message = one["message"].as_str().unwrap();
    assert!(message.contains("has been corrected") && one["times"] == 1, "{one:#}");
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
}

/// What whoever runs the tests likes is not what the person likes.
fn without_wishes(command: &mut Command) {
    ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"].iter().for_each(|wish| {
        command.env_remove(wish);
    });
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_team_sees_what_is_in_force_and_approves_what_is_held_by_the_command_shown() {
    let installation = Installation::new("status");
    let team = installation.team.clone();
    let none = r#"{"spec": {"guard": {"maxRemovals": 0}}}"#;
    kubectl(&["patch", "backend", "wso2", "-n", &team, "--type", "merge", "-p", none]);
    installation.apply(&WSO2.replace("ordain-demo", &team));
    installation.wait_ready("policyassignment", "phone-baseline-engineers");
    for backend in ["wfbss", "symphony", "appshield", "tachyon", "wso2"] {
        installation.wait_ready("backend", backend);
    }
    let counts = kubectl(&["get", "backend", "wso2", "-n", &team, "-o", "jsonpath={.status.objects}"]);
    let counts: Value = serde_json::from_str(&counts).unwrap();
    assert_eq!((&counts["managed"], &counts["pending"]), (&json!(1), &json!(0)), "beside Ready: {counts}");
    let person = Person::new(&team);

    let calm = person.status(&[]);
    assert_eq!(calm.status.code(), Some(0), "{}", said(&calm));
    for told in [
        "Ordain: accounts may be missed (clusterbackends cannot be listed); else all 1 assignment in force",
        "in force  status/phone-baseline-engineers  phone-baseline@1  wso2",
        "clusterbackends cannot be listed",
    ] {
        assert!(said(&calm).contains(told), "{told}: {}", said(&calm));
    }
    assert!(!said(&calm).contains('\u{1b}'), "no colours in a pipe");
    let one = &person.json()["assignments"][0];
    assert_eq!((&one["state"], &one["named"][0]), (&"inForce".into(), &"role engineer".into()), "{one:#}");
    assert!(one["since"].as_str().is_some_and(|since| since.ends_with('Z')), "{one:#}");
    assert!(person.terminal("").contains("\u{1b}[32min force"), "colours in a terminal");
    assert!(!person.terminal("NO_COLOR=1").contains('\u{1b}'), "unless they are unwanted");
    sees_what_was_put_back(&installation, &person);

    kubectl(&["delete", "policyassignment", "phone-baseline-engineers", "-n", &team, "--wait=false"]);
    let held = || {
        person.json()["held"]
            .as_array()
            .is_some_and(|held| !held.is_empty() && held[0]["parts"][0].is_object())
    };
    assert!(eventually(held), "{}", said(&person.status(&[])));
    let shown = person.status(&[]);
    assert_eq!(shown.status.code(), Some(2), "{}", said(&shown));
    let command =
        said(&shown).lines().find_map(|line| Some(line.split_once("approve exactly these: ")?.1.to_owned()));
    let command = command.unwrap_or_else(|| panic!("no command: {}", said(&shown)));
    assert!(Command::new("bash").args(["-c", &command]).status().unwrap().success(), "{command}");
    let gone = || person.json()["assignments"].as_array().is_some_and(Vec::is_empty);
    assert!(eventually(gone), "what was approved went: {}", said(&person.status(&[])));

    let elsewhere = person.command(&["-A"]).output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(1), "{}", said(&elsewhere));
    assert!(said(&elsewhere).contains("policyassignments cannot be listed"), "{}", said(&elsewhere));
    let slip = person.status(&["--no-such-flag"]);
    assert_eq!(slip.status.code(), Some(1), "a slip says nothing of the systems: {}", said(&slip));
}

/// Lines of a watch, as they come.
fn lines(child: &mut Child) -> impl Iterator<Item = Value> + use<> {
    let out = BufReader::new(child.stdout.take().unwrap());
    out.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
}

/// An assignment of a Policy that is not there.
fn nowhere(folder: &std::path::Path) -> String {
    let file = folder.join("nowhere.json");
    let nowhere = serde_json::json!({"apiVersion": "ordain.dev/v1alpha1", "kind": "PolicyAssignment",
        "metadata": {"name": "nowhere"}, "spec": {"policyRef": {"name": "not-there"}, "backendRef": {"name": "wso2"},
            "targets": {"everyone": true}}});
    fs::write(&file, nowhere.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// A pipe that is full, as behind a pager that shows its first page.
fn ends_though_nobody_reads(person: &Person, flags: &[&str]) {
    let (unread, out) = std::io::pipe().unwrap();
    let mut filler = out.try_clone().unwrap();
    // What fills it is written by somebody who is kept until it is read.
    let filling = std::thread::spawn(move || std::io::Write::write_all(&mut filler, &vec![b'\n'; 1 << 20]));
    let mut child = person.command(flags).stdout(out).spawn().unwrap();
    // It is kept from going on once one of its threads sleeps in the pipe.
    let waits = || {
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
        tasks.filter_map(Result::ok).any(|task| {
            fs::read_to_string(task.path().join("wchan")).is_ok_and(|at| at.contains("pipe_write"))
        })
    };
    assert!(eventually(waits), "it never wrote");
    signal(child.id(), "-INT");
    assert!(eventually(|| child.try_wait().unwrap().is_some()), "a reader that does not read keeps it");
    drop(unread);
    assert!(filling.join().unwrap().is_err(), "the pipe was full all the time");
}

#[test]
fn a_watch_shows_each_change_as_it_happens_and_ends_when_nobody_looks() {
    let installation = Installation::new("status-watch");
    let team = installation.team.clone();
    let person = Person::new(&team);
    let flags = ["--watch", "-n", &team, "--output", "json"];
    let mut child = person.command(&flags).stdout(Stdio::piped()).spawn().unwrap();
    let mut views = lines(&mut child);
    let first = views.next().unwrap();
    assert_eq!(first["assignments"], serde_json::json!([]), "{first:#}");
    installation.apply(&WSO2.replace("ordain-demo", &team));
    let proven = views.find(|view| view["assignments"][0]["state"] == "inForce");
    assert!(proven.is_some());
    signal(child.id(), "-INT");
    let status = child.wait().unwrap();
    assert_eq!(
        status.code(),
        Some(0),
        "it ended by itself, with the status of what it showed last: {status}"
    );

    kubectl(&["create", "-n", &team, "-f", &nowhere(person.folder.path())]);
    let mut child = person.command(&flags).stdout(Stdio::piped()).spawn().unwrap();
    let mut views = lines(&mut child);
    let first = views.next().unwrap();
    assert_ne!(first["assignments"][0]["state"], "inForce", "{first:#}");
    drop(views);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(2), "nobody reads: it ends, though nothing happens any more: {status}");
    kubectl(&["delete", "policyassignment", "nowhere", "-n", &team]);

    ends_though_nobody_reads(&person, &flags);

    let log = person.folder.path().join("screen");
    // In the place of the shell: not every shell passes a signal on.
    let typed = format!("exec {} status --watch -n {team}", path_of("ORDAIN_BIN"));
    let mut script = Command::new("script");
    script.args(["-qefc", &typed]).arg(&log).env("KUBECONFIG", &person.kubeconfig).env("TERM", "xterm");
    let terminal = Program::start(script, &person.folder.path().join("script.log"));
    let screen = || fs::read_to_string(&log).unwrap_or_default();
    assert!(eventually(|| screen().contains("in force")), "{:?}", screen());
    kubectl(&[
        "patch",
        "policyassignment",
        "phone-baseline-engineers",
        "-n",
        &team,
        "--type",
        "merge",
        "-p",
        r#"{"spec": {"suspend": true}}"#,
    ]);
    assert!(eventually(|| screen().contains("1 resting")), "{:?}", screen());
    let drawn = screen();
    assert!(
        drawn.contains("\u{1b}[?1049h") && drawn.matches("\u{1b}[2J").count() == 1,
        "one screen, drawn over: {drawn:?}"
    );
    let pids = Command::new("pgrep").args(["-P", &terminal.id().to_string()]).output().unwrap();
    let pid = String::from_utf8(pids.stdout).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    signal(pid, "-INT");
    assert!(
        eventually(|| screen().contains("\u{1b}[?25h\u{1b}[?1049l")),
        "the terminal is as it was: {:?}",
        screen()
    );
}
