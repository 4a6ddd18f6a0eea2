/* What the files of the SDK share and plugins do not see: how a plan is kept, and what a call gives back before it crosses. */
#ifndef WASMILL_INTERNAL_H
#define WASMILL_INTERNAL_H

#include "wasmill.h"

/* Writes a message to stderr and traps. For broken rules and for want of memory. */
_Noreturn void wml_die(const char *format, ...) WML_PRINTF(1, 2);

wml_buffer wml_buffer_in(wml_arena *arena);
void wml_buffer_vprintf(wml_buffer *buffer, const char *format, va_list arguments);

/* How a type is stored. */
typedef enum wml_storage {
    WML_STORED_NOT,
    WML_STORED_BITS,
    WML_STORED_FIXED,
    WML_STORED_TEXT,
    WML_STORED_LIST,
    WML_STORED_FIXED_LIST,
    WML_STORED_STRUCT,
    WML_STORED_KEYS,
} wml_storage;

wml_storage wml_storage_of(const wml_type *type);
/* Of a value in bytes; 0 where it varies, and for bits. Of a dictionary, that of a key. */
uint32_t wml_width_of(const wml_type *type);
bool wml_has_wide_offsets(wml_type_id id);
wml_field wml_field_copy(wml_arena *arena, const wml_field *field);

/* The column with what a dictionary stands for in place of the dictionary. */
wml_column wml_without_dictionary(wml_arena *arena, const wml_column *column);
/* The key of a row that is not null. */
uint64_t wml_key_at(const wml_column *column, size_t row);
/* Sets what follows from the field. */
void wml_column_init(wml_column *column, const wml_field *field);

/* ---- plan ---- */

typedef struct wml_read_column {
    uint32_t position;
    bool as_values; /* a dictionary is seen through */
} wml_read_column;

typedef struct wml_planned {
    bool is_new;
    uint32_t input;        /* kept: position */
    wml_str name;          /* of the output column */
    int output;            /* new: number */
    const wml_field *field; /* new */
} wml_planned;

typedef enum wml_scope { WML_SCOPE_ROWS, WML_SCOPE_KEYED, WML_SCOPE_SINGLE } wml_scope;

struct wml_plan {
    wml_arena *arena;
    wml_schema schema;
    wml_read_column *reads;
    uint32_t read_count;
    wml_planned *columns; /* the output */
    uint32_t column_count;
    uint32_t column_capacity;
    int declared; /* outputs, those included that were dropped again */
    wml_scope scope;
    uint32_t *keys;
    uint32_t key_count;
    bool by_rows;
};

wml_plan *wml_plan_new(wml_arena *arena, wml_schema schema, bool keep_all);

/* ---- findings ---- */

typedef struct wml_finding {
    uint32_t *rows; /* ascending, each once */
    uint32_t count, capacity;
    const char *rule, *column, *message;
    bool is_warning;
} wml_finding;

typedef struct wml_bad {
    const char *position;
    wml_str raw;
    const char *rule, *message;
} wml_bad;

/* ---- out ---- */

typedef enum wml_set { WML_NOT_SET, WML_SET_BUILDER, WML_SET_COLUMN, WML_SET_KEPT } wml_set;

typedef struct wml_out_column {
    wml_set set;
    wml_builder *builder;
    wml_column column;
    uint32_t kept; /* position */
} wml_out_column;

typedef enum wml_selection { WML_SELECT_ALL, WML_SELECT_BITMAP, WML_SELECT_INDICES, WML_SELECT_DETACHED } wml_selection;

struct wml_out {
    wml_arena *arena;
    const wml_plan *plan;
    const wml_batch *batch; /* NULL in `finish` and of extractors */
    uint32_t rows;          /* of the batch */
    wml_out_column *columns;
    /* What goes on. NULL: all rows. */
    uint8_t *bitmap;
    const uint32_t *taken;
    uint32_t taken_count;
    bool is_taken;
    /* Rows that were emitted. */
    wml_buffer json;
    uint32_t *sources; /* the input row of each; NO_ROW for none */
    uint32_t emitted, emitted_capacity;
    uint32_t detached;
    bool has_detached;
    /* Findings. */
    wml_finding *findings;
    uint32_t finding_count, finding_capacity;
    uint32_t last_finding;
    uint32_t *finding_index; /* hashed; the number of the finding + 1 */
    uint32_t finding_index_size;
    wml_bad *bads;
    uint32_t bad_count, bad_capacity;
    const char *mistake; /* what the plugin did wrong, for the failure */
};

#define WML_NO_ROW UINT32_MAX

wml_out *wml_out_new(wml_arena *arena, const wml_plan *plan, const wml_batch *batch);

/* What crosses: the columns in the order of the output, or JSON; and the selection. */
typedef struct wml_outcome_of {
    bool is_empty; /* nothing is put out */
    wml_selection selection;
    uint32_t selected; /* indices, detached: how many */
    wml_out_column *columns; /* the new ones, in the order of the output; each is a column or kept */
    uint32_t column_count;
    bool per_output_row;
    wml_str json;
    uint32_t rows; /* put out, where there is no batch */
} wml_outcome_of;

wml_status wml_out_end(wml_out *out, wml_outcome_of *result);

/* ---- rows ---- */

/* The rows that a JSON array holds. */
wml_status wml_rows_parse(wml_arena *arena, wml_str json, uint32_t rows, wml_row ***parsed);

/* Doubles at least, so that a list grows in steps. */
#define WML_GROW(arena, list, count, capacity)                                                                                 \
    do {                                                                                                                       \
        if ((count) == (capacity)) {                                                                                           \
            size_t wml_more = (capacity) == 0 ? 8 : (size_t)(capacity) * 2;                                                    \
            (list) = wml_arena_grow(arena, list, (capacity) * sizeof *(list), wml_more * sizeof *(list));                      \
            (capacity) = (uint32_t)wml_more;                                                                                   \
        }                                                                                                                      \
    } while (0)

#endif
