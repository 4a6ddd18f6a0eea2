//! Looks for anything that it was not given: files, arguments, the environment, the network.

use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use wasmill_plugin_sdk::bindings::types::Failure;

use crate::Order;

pub fn strike(_order: &Order) -> Result<(), Failure> {
    let mut found = Vec::new();
    found.extend(std::env::vars().map(|(name, _)| format!("variable {name}")));
    found.extend(std::env::args().map(|argument| format!("argument {argument}")));
    for path in ["/", ".", "..", "/etc/passwd", "/proc/self/environ", "/dev/stdin"] {
        if std::fs::metadata(path).is_ok() || std::fs::read(path).is_ok() {
            found.push(format!("file {path}"));
        }
    }
    if std::fs::write("/tmp/hostile", "was here").is_ok() {
        found.push("a folder to write to".to_owned());
    }
    if TcpStream::connect(("127.0.0.1", 80)).is_ok() || TcpListener::bind(("127.0.0.1", 0)).is_ok()
    {
        found.push("TCP".to_owned());
    }
    if UdpSocket::bind(("127.0.0.1", 0)).is_ok() {
        found.push("UDP".to_owned());
    }
    if ("localhost", 80).to_socket_addrs().is_ok() {
        found.push("name resolution".to_owned());
    }
    if found.is_empty() { Ok(()) } else { Err(Failure::Fatal(found.join(", "))) }
}
