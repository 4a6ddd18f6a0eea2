/* What the host offers: a log, and HTTP over granted connections. */
#include <stdio.h>
#include <stdlib.h>

#include "boundary.h"

void wml_log(wml_level level, const char *format, ...) {
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    plugin_string_t context = wml_text_out(""), text = wml_text_out(message);
    wasi_logging_logging_log((wasi_logging_logging_level_t)level, &context, &text);
}

wml_status wml_send(const char *connection, const wml_request *request, wml_response *response) {
    wasmill_plugin_http_request_t out = {0};
    out.method = wml_text_out(request->method ? request->method : "GET");
    out.path = wml_text_out(request->path);
    out.headers.ptr = wml_arena_zero(wml_call_arena(), request->header_count + 1, sizeof *out.headers.ptr);
    out.headers.len = request->header_count;
    for (size_t header = 0; header < request->header_count; header++) {
        out.headers.ptr[header].f0 = wml_string_out(request->headers[header].key);
        out.headers.ptr[header].f1 = wml_string_out(request->headers[header].value);
    }
    plugin_string_t body = wml_string_out(request->body), name = wml_text_out(connection);
    out.body = (plugin_list_u8_t){body.ptr, body.len};
    wasmill_plugin_http_response_t in;
    wasmill_plugin_http_error_t error;
    if (wasmill_plugin_http_send(&name, &out, &in, &error)) {
        *response = (wml_response){.status = in.status, .header_count = in.headers.len};
        response->body = (wml_str){(const char *)in.body.ptr, in.body.len};
        wml_pair *headers = wml_arena_zero(wml_call_arena(), in.headers.len, sizeof *headers);
        for (size_t header = 0; header < in.headers.len; header++) {
            headers[header].key = wml_string_in(in.headers.ptr[header].f0);
            headers[header].value = wml_string_in(in.headers.ptr[header].f1);
        }
        response->headers = headers;
        return WML_OK;
    }
    switch (error.tag) {
    case WASMILL_PLUGIN_HTTP_ERROR_NOT_GRANTED: return wml_fatal("connection `%s` is not granted", connection);
    case WASMILL_PLUGIN_HTTP_ERROR_INVALID_REQUEST: return wml_fatal("%s", wml_string_in(error.val.invalid_request).data);
    case WASMILL_PLUGIN_HTTP_ERROR_UNREACHABLE: return wml_retryable("%s", wml_string_in(error.val.unreachable).data);
    case WASMILL_PLUGIN_HTTP_ERROR_TIMED_OUT: return wml_retryable("connection `%s` timed out", connection);
    default:
        return wml_fatal("the response through connection `%s` is larger than %llu bytes", connection,
                         (unsigned long long)error.val.too_large);
    }
}
