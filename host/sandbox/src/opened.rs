//! What can be asked of every instance that batches go through, whatever the plugin does with them.

use crate::accounting::Usage;
use crate::capability::http::Exchange;

/// An instance of a transformer or a validator that was opened.
pub trait Opened {
    /// What the instance has used up.
    fn usage(&self) -> Usage;

    /// Its last log lines, oldest first.
    fn last_lines(&self) -> Vec<String>;

    /// Keeps log lines back from now on, until it is known whether they matter.
    fn hold_log(&self);

    /// Passes log lines on that were kept back, or forgets them.
    fn release_log(&self, passed_on: bool);

    /// Gives calls an eighth of their deadline, or all of it again: for calls that only are to tell whether they hang.
    fn hurry(&mut self, is_hurried: bool);

    /// What the last call asked for over HTTP, where the grant says that it is kept
    /// ([`recorded`](crate::capability::http::HttpGrant::recorded)); none where it is not, or was too much.
    fn exchanges(&self) -> Option<Vec<Exchange>>;
}

/// The instance `$open`, which has a `guest`, is [`Opened`].
macro_rules! opened {
    ($open:ty) => {
        impl $crate::opened::Opened for $open {
            fn usage(&self) -> $crate::Usage {
                self.guest.usage()
            }

            fn last_lines(&self) -> Vec<String> {
                self.guest.log().last_lines()
            }

            fn hold_log(&self) {
                self.guest.log().hold();
            }

            fn release_log(&self, passed_on: bool) {
                self.guest.log().release(passed_on);
            }

            fn hurry(&mut self, is_hurried: bool) {
                self.guest.hurry(is_hurried);
            }

            fn exchanges(&self) -> Option<Vec<$crate::capability::http::Exchange>> {
                self.guest.exchanges()
            }
        }
    };
}

pub(crate) use opened;
