/* Posts events to a chat, as `POST /messages {"text": "..."}`. */
#include <wasmill.h>

typedef struct config {
    const char *connection;
    int lowest; /* a position among SEVERITIES, which are in the order of wml_severity */
} config;

static const char *const SEVERITIES[] = {"info", "warning", "error", NULL};

static const wml_setting SETTINGS[] = {
    WML_TEXT(config, connection, "The connection to the chat. The pipeline file says where it leads, and grants it"),
    WML_CHOICE(config, lowest, SEVERITIES, "Events that are less severe are not posted", .preset = "info"),
    WML_END,
};

/* Called to check a pipeline too: it must not notify anybody. */
static wml_status bind(const void *config_) {
    const config *config = config_;
    /* What a JSON Schema cannot say, `bind` says, with the place in the configuration. */
    if (config->connection[0] == '\0') return wml_bad_config("/connection", "is empty: name a connection of the pipeline");
    return WML_OK;
}

static wml_status notify(const void *config_, const wml_event *event) {
    const config *config = config_;
    if ((int)event->severity < config->lowest) {
        wml_debug("%s is not severe enough to be posted", event->kind.data);
        return WML_OK;
    }
    const char *text = wml_printf("[%s] %s", SEVERITIES[event->severity], event->summary.data);
    wml_buffer body = wml_buffer_new();
    wml_buffer_add_str(&body, WML_LITERAL("{\"text\":"));
    wml_json_write_string(&body, wml_str_of(text));
    wml_buffer_add_str(&body, WML_LITERAL("}"));

    wml_pair headers[] = {
        {WML_LITERAL("content-type"), WML_LITERAL("application/json")},
        /* An event may be delivered twice; the chat can tell by this key. */
        {WML_LITERAL("idempotency-key"), event->dedup_key},
    };
    wml_request request = {
        .method = "POST", .path = "/messages", .headers = headers, .header_count = 2, .body = wml_buffer_str(&body),
    };
    wml_response response;
    WML_TRY(wml_send(config->connection, &request, &response));
    /* Makes failures of statuses: 429 and 5xx are tried again later. */
    return wml_successful(&response);
}

WML_NOTIFIER(.settings = SETTINGS, .config_size = sizeof(config), .bind = bind, .notify = notify);
