//! A real browser, driven over its debugging pipe: no driver and no socket between.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::programs::{Program, output, path_of};

/// Nothing of the browser's own goes out, and root may start it.
const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
];

/// Longest time for an answer, or for a page to load.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one page.
pub struct Browser {
    to: File,
    from: Receiver<Value>,
    /// What it told while an answer was waited for, oldest first.
    events: VecDeque<Value>,
    calls: u64,
    session: Option<String>,
    /// What the console said: errors, refused parts, failed loads.
    pub complaints: Vec<Value>,
    _program: Program,
}

impl Browser {
    /// Started, with an empty page; it keeps its things in this folder.
    pub fn start(folder: &Path) -> Self {
        let profile = folder.join("browser");
        fs::create_dir_all(&profile).unwrap();
        let pipes: [PathBuf; 2] = ["to", "from"].map(|name| profile.join(name));
        output(Command::new("mkfifo").args(&pipes));
        let mut command = Command::new("bash");
        command
            .args(["-c", "exec \"$0\" \"${@:3}\" 3<\"$1\" 4>\"$2\"", &path_of("ORDAIN_BROWSER")])
            .args(&pipes);
        command.args(FLAGS).arg(format!("--user-data-dir={}", profile.display())).stdin(Stdio::null());
        let program = Program::start(command, &profile.join("log"));
        let to = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let from = messages(File::open(&pipes[1]).unwrap());
        let (events, complaints) = (VecDeque::new(), Vec::new());
        let mut browser = Self { to, from, events, calls: 0, session: None, complaints, _program: program };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            browser.call(domain, &json!({}));
        }
        browser.call("Page.setLifecycleEventsEnabled", &json!({"enabled": true}));
        browser
    }

    /// The window's size, and whether its owner likes it dark.
    pub fn look(&mut self, (width, height): (u32, u32), dark: bool) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }});
        self.call("Emulation.setEmulatedMedia", &json!({"features": [scheme]}));
    }

    /// Opens an address and waits until that page is loaded, whatever was loading before.
    pub fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", &json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        let until = Instant::now() + PATIENCE;
        loop {
            let event = match self.events.pop_front() {
                Some(event) => event,
                None => self.next(until, url),
            };
            let loaded = event["method"] == "Page.lifecycleEvent" && event["params"]["name"] == "load";
            if loaded && event["params"]["loaderId"] == opened["loaderId"] {
                return;
            }
        }
    }

    /// What a script that looks at the page finds; it is ours, the page has none.
    pub fn find(&mut self, script: &str) -> Value {
        let asked = json!({"expression": script, "returnByValue": true});
        let found = self.call("Runtime.evaluate", &asked);
        assert!(found["exceptionDetails"].is_null(), "{script}: {found}");
        found["result"]["value"].clone()
    }

    /// A picture of the whole page.
    pub fn picture(&mut self, file: &Path) {
        let shot = self.call("Page.captureScreenshot", &json!({"captureBeyondViewport": true}));
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let mut message = json!({"id": self.calls, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(message.to_string().as_bytes()).unwrap();
        self.to.write_all(b"\0").unwrap();
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.next(until, method);
            if answer["id"] == self.calls {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push_back(answer);
        }
    }

    /// What the browser says next, within that time; and what for, should it say nothing or have ended.
    fn next(&mut self, until: Instant, what: &str) -> Value {
        let left = until.saturating_duration_since(Instant::now());
        let message = self.from.recv_timeout(left).unwrap_or_else(|e| panic!("{what}: {e}"));
        let told = ["Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"];
        if told.iter().any(|method| message["method"] == *method) {
            self.complaints.push(message["params"].clone());
        }
        message
    }
}

/// Its messages, each ended by a zero, to the end of the pipe.
fn messages(pipe: File) -> Receiver<Value> {
    let (told, from) = channel();
    std::thread::spawn(move || {
        let parts = BufReader::new(pipe).split(0).map_while(Result::ok);
        parts
            .map_while(|message| serde_json::from_slice(&message).ok())
            .try_for_each(|value| told.send(value))
    });
    from
}
