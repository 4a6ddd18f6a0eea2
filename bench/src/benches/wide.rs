//! `wide`: what a host pays whose plugins see whole batches, and what one pays whose plugins see the columns that they ask for.

use serde_json::json;
use wasmill_sandbox::engine::Profile;

use crate::data;
use crate::measure::{Error, Measuring, Report};
use crate::subjects::Guests;
use crate::subjects::native::{self, Native};
use crate::subjects::wasmill::Wasmill;

pub fn run(guests: &Guests, measuring: &Measuring, report: &Report) -> Result<(), Error> {
    for rows in [8_192, 65_536] {
        let input = data::wide(rows);
        let mut subjects = vec![Native::subject(native::wide, &input)];
        subjects.extend(Wasmill::profiles(guests, "wide", &input, measuring)?);
        let encodings = [("wasmill by Arrow IPC", "ipc"), ("wasmill by JSON rows", "json")];
        for (name, encoding) in encodings.into_iter().filter(|(name, _)| measuring.wants(name)) {
            let config = json!({ "encoding": encoding });
            let guest = "bench-encodings";
            let metered = Profile::Metered;
            subjects.push(Wasmill::subject(name, guests, guest, &config, metered, &input)?);
        }
        subjects.push(Native::subject(native::wide, &input));
        measuring.compare("wide", (rows, data::bytes(&input)), &mut subjects, report)?;
    }
    Ok(())
}
