/* Why a call fails: the functions that return a failure note it here, and the boundary passes it on. */
#include <stdio.h>

#include "internal.h"

static wml_failure last;

const wml_failure *wml_last_failure(void) {
    return &last;
}

static wml_status note(wml_status status, const char *place, const char *format, va_list arguments) {
    /* The message may be made of the last one, which lies in `last`. */
    char message[sizeof last.message];
    vsnprintf(message, sizeof message, format, arguments);
    last.has_place = place != NULL;
    last.has_after = false;
    snprintf(last.place, sizeof last.place, "%s", place ? place : "");
    memcpy(last.message, message, sizeof message);
    last.status = status;
    return status;
}

#define NOTE(status, place)                                                                                                    \
    va_list arguments;                                                                                                         \
    va_start(arguments, format);                                                                                               \
    wml_status noted = note(status, place, format, arguments);                                                                 \
    va_end(arguments)

wml_status wml_retryable(const char *format, ...) {
    NOTE(WML_RETRYABLE, NULL);
    return noted;
}

wml_status wml_retryable_after(uint64_t milliseconds, const char *format, ...) {
    NOTE(WML_RETRYABLE, NULL);
    last.has_after = true;
    last.after_ms = milliseconds;
    return noted;
}

wml_status wml_bad_config(const char *pointer, const char *format, ...) {
    NOTE(WML_BAD_CONFIG, pointer);
    return noted;
}

wml_status wml_bad_schema(const char *column, const char *format, ...) {
    NOTE(WML_BAD_SCHEMA, column);
    return noted;
}

wml_status wml_fatal(const char *format, ...) {
    NOTE(WML_FATAL, NULL);
    return noted;
}
