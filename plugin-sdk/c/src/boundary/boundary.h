/*
 * Between the SDK and the bindings (plugin.h) that `wasmill build` makes of wit/: what all five kinds need.
 *
 * Arguments of a call are put into the call's arena, by cabi_realloc; results are made in it too. It is reset when the host has
 * taken the results, in the functions that WML_POST_RETURN defines, so nothing is freed one by one. What a plugin is to remember
 * is in the plugin's arena.
 */
#ifndef WASMILL_BOUNDARY_H
#define WASMILL_BOUNDARY_H

#include "../internal.h"
#include "plugin.h"

/* Defines what is called after an export: `interface` without quotation marks, such as transform. */
#define WML_POST_RETURN(interface, function)                                                                                   \
    __attribute__((__export_name__("cabi_post_wasmill:plugin/" #interface "@0.1.0#" #function)))                               \
    void __wasm_export_exports_wasmill_plugin_##interface##_##function##_post_return(uint8_t *result) {                        \
        (void)result;                                                                                                          \
        wml_end_call();                                                                                                        \
    }

void wml_begin_call(void);
void wml_end_call(void);

/* What was made of a plugin's configuration and input, in `bind` and `open`. */
typedef struct wml_bound {
    void *self;
    const void *config;
    wml_plan *plan;
} wml_bound;

/* Fills in a descriptor. */
void wml_describe(const wml_setting *settings, wasmill_plugin_types_descriptor_t *descriptor);

/* Reads the configuration into the plugin's arena. */
wml_status wml_bind_config(const wml_setting *settings, size_t size, const plugin_string_t *config, const void **bound);
/* The same, with a plan; `schema` may be NULL. */
wml_status wml_bind(const wml_setting *settings, size_t config_size, size_t self_size, const plugin_string_t *config,
                    const wasmill_plugin_types_schema_t *schema, bool keep_all, wml_bound *bound);

void wml_failure_out(wasmill_plugin_types_failure_t *failure);
wml_status wml_not_open(void);

wml_status wml_batch_in(const wml_plan *plan, const wasmill_plugin_types_batch_t *from, wml_batch *batch);

plugin_string_t wml_string_out(wml_str text);
plugin_string_t wml_text_out(const char *text);
/* A copy that ends with NUL, in the call's arena. */
wml_str wml_string_in(plugin_string_t text);
/* The same, in the plugin's arena. */
wml_str wml_string_kept(plugin_string_t text);
void wml_reads_out(const wml_plan *plan, plugin_list_u32_t *reads);
uint8_t wml_encoding_out(const wml_plan *plan);
/* A field and its descendants. */
wasmill_plugin_types_list_field_t wml_fields_out(const wml_field *field);
/* A column and its descendants. */
wasmill_plugin_types_list_node_t wml_nodes_out(const wml_column *column);
void wml_finding_out(const wml_finding *finding, wasmill_plugin_types_finding_t *to);
/* How many nodes a field has, itself included. */
size_t wml_count_fields(const wml_field *field);
void wml_fill_nodes(const wml_column *column, wasmill_plugin_types_node_t *nodes, size_t *at);
void wml_fill_fields(const wml_field *field, wasmill_plugin_types_field_t *fields, size_t *at);

#endif
