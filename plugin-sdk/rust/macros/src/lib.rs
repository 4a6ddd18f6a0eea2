//! The attribute `#[config]` of `wasmill-plugin-sdk`.

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct or enum usable as (part of) a plugin's configuration.
///
/// Derives `Debug`, `Clone`, serde's `Deserialize` and a JSON Schema. Doc comments become descriptions in
/// the schema; serde attributes such as `#[serde(default)]` are honoured; unknown keys in structs are refused.
#[proc_macro_attribute]
pub fn config(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = parse_macro_input!(item as DeriveInput);
    let strict = match &item.data {
        syn::Data::Struct(data) if matches!(data.fields, syn::Fields::Named(_)) => {
            quote! { #[serde(deny_unknown_fields)] }
        }
        _ => quote! {},
    };
    quote! {
        #[derive(
            Debug,
            Clone,
            ::wasmill_plugin_sdk::__private::serde::Deserialize,
            ::wasmill_plugin_sdk::__private::schemars::JsonSchema,
        )]
        #[serde(crate = "::wasmill_plugin_sdk::__private::serde")]
        #[schemars(crate = "::wasmill_plugin_sdk::__private::schemars")]
        #strict
        #item
    }
    .into()
}
