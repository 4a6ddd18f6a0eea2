//! Exports a name that is not UTF-8.

use wasmill_sandbox::limits::Limits;

use super::base::exporting;

pub fn component(_honest: &[u8], _limits: &Limits) -> Vec<u8> {
    let name = "wasmill:plugin/transform@0.1.0";
    let mut component = exporting([name]);
    let place = component.windows(name.len()).position(|window| window == name.as_bytes());
    let place = place.expect("the name was just written");
    component[place + 3] = 0xff;
    component
}
