//! A point kills the process, as `kill -9` does. The process is this test once more.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

use wasmill_connect::crash;

/// Ends regularly where no point has killed it.
const SURVIVED: &str = "came to the end";

#[test]
fn a_point_kills_the_process() {
    if std::env::var_os(crash::VARIABLE).is_some() {
        crash::check().unwrap();
        (0..3).for_each(|_| crash::point("mid-commit"));
        println!("{SURVIVED}");
        return;
    }
    let run = |plan: &str| -> Output {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "a_point_kills_the_process", "--nocapture"])
            .env(crash::VARIABLE, plan)
            .output()
            .unwrap()
    };
    for plan in ["mid-commit", "mid-commit#3"] {
        let killed = run(plan);
        assert_eq!(killed.status.signal(), Some(9), "{plan}: {killed:?}");
        assert!(!String::from_utf8_lossy(&killed.stdout).contains(SURVIVED));
    }
    for plan in ["mid-commit#4", "mid-sweep"] {
        let survived = run(plan);
        assert!(survived.status.success(), "{plan}: {survived:?}");
        assert!(String::from_utf8_lossy(&survived.stdout).contains(SURVIVED));
    }
    // Refused at the start, where it is checked.
    let refused = run("mid-comit");
    assert_eq!(refused.status.signal(), None);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("there is no point `mid-comit`"));
}
