//! Notifiers.

use crate::Config;
use crate::bindings::notify as wit;
use crate::error::Result;

pub use wit::{Event, Severity};

/// A plugin that tells somebody what happened. Exported with [`crate::notifier!`].
pub trait Notifier: Sized {
    /// The configuration, made with [`crate::config`].
    type Config: Config;

    /// Checks the configuration and returns the notifier. Must not notify anybody.
    fn bind(config: Self::Config) -> Result<Self>;

    /// Delivers one event. May be called again for the same event: receivers drop repeats by `dedup_key`.
    fn notify(&mut self, event: &Event) -> Result<()>;
}

/// Makes the component a notifier: `wasmill_plugin_sdk::notifier!(MyNotifier);`
#[macro_export]
macro_rules! notifier {
    ($notifier:ty) => {
        const _: () = {
            use $crate::bindings::{notify, types};

            struct Component;

            impl notify::Guest for Component {
                fn describe() -> types::Descriptor {
                    $crate::__describe!(<$notifier as $crate::Notifier>::Config)
                }

                fn bind(config: String) -> ::std::result::Result<(), types::Failure> {
                    <$notifier as $crate::Notifier>::bind($crate::parse_config(&config)?)?;
                    Ok(())
                }

                fn notify(
                    config: String,
                    event: notify::Event,
                ) -> ::std::result::Result<(), types::Failure> {
                    $crate::start_logging();
                    let config = $crate::parse_config(&config)?;
                    let mut notifier = <$notifier as $crate::Notifier>::bind(config)?;
                    Ok($crate::Notifier::notify(&mut notifier, &event)?)
                }
            }

            $crate::bindings::notifier::export_notifier!(
                Component with_types_in $crate::bindings::notifier
            );
        };
    };
}
