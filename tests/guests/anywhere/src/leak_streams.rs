//! Opens its standard output again and again, and never closes it.

use wasip2::cli::stdout::get_stdout;

pub fn strike() {
    loop {
        std::mem::forget(get_stdout());
    }
}
