/*
 * The configuration: one table of keys gives the JSON Schema that the host checks configurations against, and the parser that
 * fills in the plugin's struct. What the schema says is checked again, so that a plugin can rely on it by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

static const char *key_of(const wml_setting *setting) {
    return setting->name ? setting->name : setting->key;
}

/* Whether an object may be left out: each of its keys has a default. */
static bool has_defaults(const wml_setting *fields) {
    for (const wml_setting *field = fields; field->key != NULL; field++) {
        bool by_itself = field->kind == WML_SETTING_OBJECT && has_defaults(field->fields);
        if (field->preset == NULL && !field->optional && !by_itself) return false;
    }
    return true;
}

static bool is_required(const wml_setting *setting) {
    if (setting->preset != NULL || setting->optional) return false;
    return !(setting->kind == WML_SETTING_OBJECT && has_defaults(setting->fields));
}

/* ---- schema ---- */

static void write_preset(wml_buffer *buffer, const wml_setting *setting) {
    if (setting->kind == WML_SETTING_STRING || setting->kind == WML_SETTING_ENUM) {
        wml_json_write_string(buffer, wml_str_of(setting->preset));
    } else {
        wml_buffer_add_str(buffer, wml_str_of(setting->preset));
    }
}

static void write_object(wml_buffer *buffer, const wml_setting *fields);

static void write_kind(wml_buffer *buffer, const wml_setting *setting, wml_setting_kind kind) {
    switch (kind) {
    case WML_SETTING_BOOL: wml_buffer_printf(buffer, "\"type\":\"boolean\""); break;
    case WML_SETTING_INT64: wml_buffer_printf(buffer, "\"type\":\"integer\""); break;
    case WML_SETTING_DOUBLE: wml_buffer_printf(buffer, "\"type\":\"number\""); break;
    case WML_SETTING_STRING: wml_buffer_printf(buffer, "\"type\":\"string\""); break;
    case WML_SETTING_ENUM:
        wml_buffer_printf(buffer, "\"enum\":[");
        for (const char *const *choice = setting->choices; *choice != NULL; choice++) {
            if (choice != setting->choices) wml_buffer_add(buffer, ",", 1);
            wml_json_write_string(buffer, wml_str_of(*choice));
        }
        wml_buffer_add(buffer, "]", 1);
        break;
    case WML_SETTING_OBJECT: write_object(buffer, setting->fields); break;
    case WML_SETTING_LIST:
        wml_buffer_printf(buffer, "\"type\":\"array\",\"items\":{");
        write_kind(buffer, setting, setting->items);
        wml_buffer_add(buffer, "}", 1);
        break;
    case WML_SETTING_JSON: wml_buffer_printf(buffer, "\"title\":\"any value\""); break;
    }
    if (kind != WML_SETTING_INT64 && kind != WML_SETTING_DOUBLE) return;
    if (setting->minimum) wml_buffer_printf(buffer, ",\"minimum\":%s", setting->minimum);
    if (setting->maximum) wml_buffer_printf(buffer, ",\"maximum\":%s", setting->maximum);
}

static void write_object(wml_buffer *buffer, const wml_setting *fields) {
    wml_buffer_printf(buffer, "\"type\":\"object\",\"additionalProperties\":false,\"properties\":{");
    for (const wml_setting *field = fields; field->key != NULL; field++) {
        if (field != fields) wml_buffer_add(buffer, ",", 1);
        wml_json_write_string(buffer, wml_str_of(key_of(field)));
        wml_buffer_add(buffer, ":{", 2);
        write_kind(buffer, field, field->kind);
        if (field->description) {
            wml_buffer_printf(buffer, ",\"description\":");
            wml_json_write_string(buffer, wml_str_of(field->description));
        }
        if (field->preset) {
            wml_buffer_printf(buffer, ",\"default\":");
            write_preset(buffer, field);
        }
        if (field->secret) wml_buffer_printf(buffer, ",\"writeOnly\":true");
        wml_buffer_add(buffer, "}", 1);
    }
    wml_buffer_printf(buffer, "},\"required\":[");
    bool first = true;
    for (const wml_setting *field = fields; field->key != NULL; field++) {
        if (!is_required(field)) continue;
        if (!first) wml_buffer_add(buffer, ",", 1);
        first = false;
        wml_json_write_string(buffer, wml_str_of(key_of(field)));
    }
    wml_buffer_add(buffer, "]", 1);
}

void wml_settings_schema(wml_buffer *buffer, const wml_setting *settings) {
    static const wml_setting nothing[] = {WML_END};
    wml_buffer_printf(buffer, "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",");
    write_object(buffer, settings ? settings : nothing);
    wml_buffer_add(buffer, "}", 1);
}

/* ---- values ---- */

static wml_status read_object(wml_arena *arena, const wml_setting *fields, const wml_json *json, const char *pointer, char *into);

static size_t size_of(const wml_setting *setting, wml_setting_kind kind) {
    switch (kind) {
    case WML_SETTING_BOOL: return sizeof(bool);
    case WML_SETTING_INT64: return sizeof(int64_t);
    case WML_SETTING_DOUBLE: return sizeof(double);
    case WML_SETTING_STRING: return sizeof(const char *);
    case WML_SETTING_ENUM: return sizeof(int);
    case WML_SETTING_OBJECT: return setting->size;
    case WML_SETTING_LIST: return sizeof(wml_list);
    case WML_SETTING_JSON: return sizeof(wml_json);
    }
    return 0;
}

static wml_status check_range(const wml_setting *setting, double number, const char *pointer) {
    if (setting->minimum && number < strtod(setting->minimum, NULL)) return wml_bad_config(pointer, "is less than %s", setting->minimum);
    if (setting->maximum && number > strtod(setting->maximum, NULL)) return wml_bad_config(pointer, "is more than %s", setting->maximum);
    return WML_OK;
}

static wml_status read_value(wml_arena *arena, const wml_setting *setting, wml_setting_kind kind, const wml_json *json,
                             const char *pointer, char *into) {
    switch (kind) {
    case WML_SETTING_BOOL: {
        if (json->kind != WML_JSON_TRUE && json->kind != WML_JSON_FALSE) return wml_bad_config(pointer, "is not true or false");
        bool value = json->kind == WML_JSON_TRUE;
        memcpy(into, &value, sizeof value);
        return WML_OK;
    }
    case WML_SETTING_INT64: {
        int64_t value;
        if (!wml_json_int64(json, &value)) return wml_bad_config(pointer, "is no whole number of 64 bits");
        WML_TRY(check_range(setting, (double)value, pointer));
        memcpy(into, &value, sizeof value);
        return WML_OK;
    }
    case WML_SETTING_DOUBLE: {
        double value;
        if (!wml_json_double(json, &value)) return wml_bad_config(pointer, "is no number");
        WML_TRY(check_range(setting, value, pointer));
        memcpy(into, &value, sizeof value);
        return WML_OK;
    }
    case WML_SETTING_STRING: {
        if (json->kind != WML_JSON_STRING) return wml_bad_config(pointer, "is no text");
        if (memchr(json->text.data, 0, json->text.size) != NULL) return wml_bad_config(pointer, "holds a NUL");
        const char *value = wml_arena_text(arena, json->text);
        memcpy(into, &value, sizeof value);
        return WML_OK;
    }
    case WML_SETTING_ENUM:
        for (int choice = 0; json->kind == WML_JSON_STRING && setting->choices[choice] != NULL; choice++) {
            if (!wml_str_is(json->text, setting->choices[choice])) continue;
            memcpy(into, &choice, sizeof choice);
            return WML_OK;
        }
        return wml_bad_config(pointer, "is none of the values that are allowed");
    case WML_SETTING_OBJECT: return read_object(arena, setting->fields, json, pointer, into);
    case WML_SETTING_LIST: {
        if (json->kind != WML_JSON_ARRAY) return wml_bad_config(pointer, "is no list");
        size_t size = size_of(setting, setting->items);
        char *items = wml_arena_zero(arena, json->count, size);
        for (uint32_t item = 0; item < json->count; item++) {
            const char *below = wml_arena_printf(arena, "%s/%u", pointer, item);
            WML_TRY(read_value(arena, setting, setting->items, &json->items[item], below, items + item * size));
        }
        wml_list list = {items, json->count};
        memcpy(into, &list, sizeof list);
        return WML_OK;
    }
    case WML_SETTING_JSON: memcpy(into, json, sizeof *json); return WML_OK;
    }
    return WML_OK;
}

/* The pointer of a key (RFC 6901): `~` and `/` are written otherwise. */
static const char *pointer_to(wml_arena *arena, const char *pointer, wml_str key) {
    wml_buffer buffer = {.arena = arena};
    wml_buffer_add_str(&buffer, wml_str_of(pointer));
    wml_buffer_add(&buffer, "/", 1);
    for (size_t at = 0; at < key.size; at++) {
        char next = key.data[at];
        if (next == '~' || next == '/') {
            wml_buffer_add(&buffer, next == '~' ? "~0" : "~1", 2);
        } else {
            wml_buffer_add(&buffer, &next, 1);
        }
    }
    wml_buffer_add(&buffer, "", 1);
    return buffer.data;
}

static wml_status preset_of(wml_arena *arena, const wml_setting *setting, wml_json *json) {
    wml_str text = wml_str_of(setting->preset);
    if (setting->kind == WML_SETTING_STRING || setting->kind == WML_SETTING_ENUM) {
        *json = (wml_json){.kind = WML_JSON_STRING, .text = text};
        return WML_OK;
    }
    if (wml_json_parse(arena, text, json) != WML_OK) return wml_fatal("the default of `%s` is no JSON", key_of(setting));
    return WML_OK;
}

static wml_status read_object(wml_arena *arena, const wml_setting *fields, const wml_json *json, const char *pointer, char *into) {
    if (json->kind != WML_JSON_OBJECT) return wml_bad_config(pointer, "is no object");
    for (uint32_t member = 0; member < json->count; member++) {
        bool is_known = false;
        for (const wml_setting *field = fields; field->key != NULL; field++) {
            is_known = is_known || wml_str_is(json->members[member].key, key_of(field));
        }
        if (!is_known) return wml_bad_config(pointer_to(arena, pointer, json->members[member].key), "there is no such key");
    }
    for (const wml_setting *field = fields; field->key != NULL; field++) {
        const wml_json *value = wml_json_get(json, key_of(field));
        const char *below = pointer_to(arena, pointer, wml_str_of(key_of(field)));
        wml_json preset = {.kind = WML_JSON_OBJECT};
        if (value == NULL) {
            if (is_required(field)) return wml_bad_config(below, "is missing");
            if (field->preset == NULL && field->kind != WML_SETTING_OBJECT) continue;
            if (field->preset == NULL && !has_defaults(field->fields)) continue;
            if (field->preset != NULL) WML_TRY(preset_of(arena, field, &preset));
            value = &preset;
        }
        WML_TRY(read_value(arena, field, field->kind, value, below, into + field->offset));
    }
    return WML_OK;
}

wml_status wml_settings_read(wml_arena *arena, const wml_setting *settings, wml_str json, void *config) {
    static const wml_setting nothing[] = {WML_END};
    wml_json parsed;
    /* Texts and values of the configuration lie in its own text, which must live as long. */
    wml_str copy = {wml_arena_text(arena, json), json.size};
    if (wml_json_parse(arena, copy, &parsed) != WML_OK) return wml_bad_config("", "%s", wml_last_failure()->message);
    return read_object(arena, settings ? settings : nothing, &parsed, "", config);
}
