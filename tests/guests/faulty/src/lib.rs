//! Mistakes that plugins make, and that compilers do not find. Unlike `hostile`, it means no harm.

use wasmill_plugin_sdk::prelude::*;

/// Writes the domain of an e-mail address.
#[config]
struct FaultyConfig {
    mistake: Mistake,
}

#[config]
#[derive(PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mistake {
    /// Takes for granted what the configuration need not say.
    Bind,
    /// Takes for granted that there is an address, and an `@` in it.
    Unwrap,
}

struct Faulty {
    email: Input<str>,
    domain: Output<str>,
}

impl Transformer for Faulty {
    type Config = FaultyConfig;

    fn bind(config: FaultyConfig, plan: &mut Plan) -> Result<Self> {
        assert!(config.mistake != Mistake::Bind, "no rule for this configuration");
        Ok(Self { email: plan.read("email")?, domain: plan.write("domain") })
    }

    fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        out.set(self.domain, batch.column(self.email).iter().map(domain).map(Some).collect());
        Ok(())
    }
}

#[expect(clippy::unwrap_used, reason = "that is the mistake")]
fn domain(email: Option<&str>) -> String {
    let (_, domain) = email.unwrap().split_once('@').unwrap();
    domain.to_lowercase()
}

transformer!(Faulty);
