/* The conformance suite's notifier: posts events as JSON. */
#include <stdlib.h>

#include <wasmill.h>

typedef struct config {
    const char *connection;
    int lowest;
} config;

static const char *const SEVERITIES[] = {"info", "warning", "error", NULL};

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, connection, "The connection to the server", .preset = "server"),
    WML_CHOICE(config, lowest, SEVERITIES, "The least severe events that are posted", .preset = "info"),
    WML_END,
};

static wml_status bind(const void *config_) {
    const config *config = config_;
    if (config->connection[0] == '\0') return wml_bad_config("/connection", "is empty");
    return WML_OK;
}

static void member(wml_buffer *json, const char *key, wml_str text) {
    wml_buffer_printf(json, "\"%s\":", key);
    wml_json_write_string(json, text);
    wml_buffer_printf(json, ",");
}

static wml_status notify(const void *config_, const wml_event *event) {
    const config *config = config_;
    if ((int)event->severity < config->lowest) return WML_OK;
    wml_buffer body = wml_buffer_new();
    wml_buffer_printf(&body, "{");
    member(&body, "kind", event->kind);
    member(&body, "severity", wml_str_of(SEVERITIES[event->severity]));
    member(&body, "pipeline", event->pipeline);
    member(&body, "run", event->run);
    wml_buffer_printf(&body, "\"time_ms\":%llu,", (unsigned long long)event->time_ms);
    member(&body, "summary", event->summary);
    wml_buffer_printf(&body, "\"details\":%s}", event->details.data);

    wml_pair headers[] = {
        {WML_LITERAL("idempotency-key"), event->dedup_key},
        {WML_LITERAL("content-type"), WML_LITERAL("application/json")},
    };
    wml_request request = {.method = "POST", .path = "/events", .headers = headers, .header_count = 2, .body = wml_buffer_str(&body)};
    wml_response response;
    WML_TRY(wml_send(config->connection, &request, &response));
    return wml_successful(&response);
}

WML_NOTIFIER(.settings = SETTINGS, .config_size = sizeof(config), .bind = bind, .notify = notify);
