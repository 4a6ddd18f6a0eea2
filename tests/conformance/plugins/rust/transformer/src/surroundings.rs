//! Cases about what is around a plugin.

use std::iter::repeat_n;
use std::time::SystemTime;

use wasmill_plugin_sdk::http::Connection;
use wasmill_plugin_sdk::prelude::*;

use crate::Work;

pub struct Defaults {
    pub options: String,
    pub output: Output<str>,
}

impl Work for Defaults {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        out.set(self.output, repeat_n(Some(&self.options), batch.rows()).collect());
        Ok(())
    }
}

pub struct Log;

impl Work for Log {
    #[expect(clippy::print_stdout, reason = "the host takes it as a log line")]
    fn process(&mut self, _batch: &Batch, _out: &mut Rows) -> Result<()> {
        log::debug!("said at debug");
        log::info!("said at info");
        log::warn!("said at warn");
        log::error!("said at error");
        println!("printed");
        Ok(())
    }
}

pub struct Time {
    pub now: Output<i64>,
    pub random: Output<i64>,
}

impl Work for Time {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_millis() as i64;
        let random = i64::from(getrandom::u32()? >> 1);
        out.set(self.now, repeat_n(now, batch.rows()).collect());
        out.set(self.random, repeat_n(random, batch.rows()).collect());
        Ok(())
    }
}

struct Http {
    server: Connection,
    status: Output<i64>,
    body: Output<str>,
}

pub fn http(connection: &str, plan: &mut Plan) -> Box<dyn Work> {
    let server = Connection::named(connection);
    Box::new(Http { server, status: plan.write("status"), body: plan.write("body") })
}

impl Work for Http {
    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let response = self.server.get("/conformance?q=1").header("x-asked", "yes").send()?;
        let body = String::from_utf8(response.body)?;
        out.set(self.status, repeat_n(i64::from(response.status), batch.rows()).collect());
        out.set(self.body, repeat_n(Some(body), batch.rows()).collect());
        Ok(())
    }
}
