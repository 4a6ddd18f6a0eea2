/* What responses say. Requests are sent in boundary/host.c. */
#include "internal.h"

wml_str wml_response_header(const wml_response *response, const char *name) {
    for (size_t header = 0; header < response->header_count; header++) {
        if (wml_str_is(response->headers[header].key, name)) return response->headers[header].value;
    }
    return (wml_str){NULL, 0};
}

wml_status wml_successful(const wml_response *response) {
    uint16_t status = response->status;
    if (status >= 200 && status <= 299) return WML_OK;
    if (status != 408 && status != 429 && (status < 500 || status > 599)) return wml_fatal("the server answered %u", status);
    wml_str after = wml_response_header(response, "retry-after");
    uint64_t seconds = 0;
    bool is_number = after.size != 0 && after.size <= 15;
    for (size_t at = 0; is_number && at < after.size; at++) {
        is_number = after.data[at] >= '0' && after.data[at] <= '9';
        seconds = seconds * 10 + (uint64_t)(after.data[at] - '0');
    }
    if (!is_number) return wml_retryable("the server answered %u", status);
    return wml_retryable_after(seconds * 1000, "the server answered %u", status);
}
