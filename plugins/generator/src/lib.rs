//! Makes synthetic orders with labelled dirt.
