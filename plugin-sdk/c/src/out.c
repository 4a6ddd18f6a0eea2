/*
 * What a call gives back: values of new columns, which rows go on, which are bad. Nothing crosses here; wml_out_end checks what the
 * plugin has said and puts it into the order of the output.
 *
 * Rules that only the plugin's code can break, such as a row that is not there, are noted in `mistake` and fail the call.
 */
#include <stdio.h>

#include "internal.h"

wml_out *wml_out_new(wml_arena *arena, const wml_plan *plan, const wml_batch *batch) {
    wml_out *out = wml_arena_zero(arena, 1, sizeof *out);
    out->arena = arena;
    out->plan = plan;
    out->batch = batch;
    out->rows = batch ? batch->rows : 0;
    out->columns = wml_arena_zero(arena, (size_t)plan->declared, sizeof *out->columns);
    out->json = wml_buffer_in(arena);
    return out;
}

static void mistake(wml_out *out, const char *text) {
    if (out->mistake == NULL) out->mistake = text;
}

static const wml_field *field_of(const wml_out *out, int output) {
    for (uint32_t place = 0; place < out->plan->column_count; place++) {
        const wml_planned *planned = &out->plan->columns[place];
        if (planned->is_new && planned->output == output) return planned->field;
    }
    wml_die("there is no output %d, or it was dropped", output);
}

wml_builder *wml_output(wml_out *out, int output) {
    const wml_field *field = field_of(out, output);
    wml_out_column *column = &out->columns[output];
    if (column->set != WML_SET_BUILDER) {
        column->set = WML_SET_BUILDER;
        column->builder = wml_builder_new(out->arena, field);
        wml_builder_reserve(column->builder, out->rows, 0);
    }
    return column->builder;
}

void wml_set_column(wml_out *out, int output, const wml_column *column) {
    field_of(out, output);
    out->columns[output].set = WML_SET_COLUMN;
    out->columns[output].column = *column;
}

void wml_set_unchanged(wml_out *out, int output, int input) {
    const wml_read_column *read = &out->plan->reads[input];
    if (read->as_values) {
        /* The column itself, with its dictionary, is of another type. */
        wml_set_column(out, output, wml_input(out->batch, input));
        return;
    }
    field_of(out, output);
    out->columns[output].set = WML_SET_KEPT;
    out->columns[output].kept = read->position;
}

/* ---- selection ---- */

static uint8_t *bitmap_of(wml_out *out) {
    if (out->bitmap == NULL) {
        size_t bytes = (out->rows + 7) / 8;
        out->bitmap = wml_arena_alloc(out->arena, bytes);
        memset(out->bitmap, 0xff, bytes);
        if (out->rows % 8 != 0) out->bitmap[bytes - 1] = (uint8_t)((1 << (out->rows % 8)) - 1);
    }
    return out->bitmap;
}

void wml_drop_row(wml_out *out, size_t row) {
    if (row >= out->rows) {
        mistake(out, "a row was dropped that is not there");
        return;
    }
    bitmap_of(out)[row / 8] &= (uint8_t)~(1 << (row % 8));
}

void wml_filter(wml_out *out, const uint8_t *bitmap) {
    uint8_t *selected = bitmap_of(out);
    size_t bytes = (out->rows + 7) / 8;
    for (size_t byte = 0; byte < bytes; byte++) selected[byte] &= bitmap[byte];
}

uint8_t *wml_filter_room(wml_out *out, uint32_t *rows) {
    *rows = out->rows;
    return wml_arena_zero(out->arena, (out->rows + 7) / 8, 1);
}

void wml_take(wml_out *out, const uint32_t *rows, size_t count) {
    out->is_taken = true;
    out->taken = rows;
    out->taken_count = (uint32_t)count;
}

void wml_detached(wml_out *out, uint32_t rows) {
    out->has_detached = true;
    out->detached = rows;
}

/* ---- findings ---- */

static bool same(const char *a, const char *b) {
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static uint32_t hash_text(uint32_t hash, const char *text) {
    if (text == NULL) return hash * 31 + 1;
    for (; *text; text++) hash = (hash ^ (uint8_t)*text) * 16777619;
    return hash * 31;
}

static bool finding_is(const wml_finding *finding, bool warning, const char *rule, const char *column, const char *message) {
    return finding->is_warning == warning && same(finding->message, message) && same(finding->rule, rule) &&
           same(finding->column, column);
}

static void index_findings(wml_out *out, uint32_t size) {
    out->finding_index = wml_arena_zero(out->arena, size, sizeof *out->finding_index);
    out->finding_index_size = size;
    for (uint32_t finding = 0; finding < out->finding_count; finding++) {
        const wml_finding *each = &out->findings[finding];
        uint32_t slot = hash_text(hash_text(hash_text(each->is_warning, each->rule), each->column), each->message) & (size - 1);
        while (out->finding_index[slot] != 0) slot = (slot + 1) & (size - 1);
        out->finding_index[slot] = finding + 1;
    }
}

static wml_finding *finding_for(wml_out *out, bool warning, const char *rule, const char *column, const char *message) {
    if (out->finding_count != 0) {
        wml_finding *last = &out->findings[out->last_finding];
        if (finding_is(last, warning, rule, column, message)) return last;
    }
    if (out->finding_index_size < out->finding_count * 2 + 2) index_findings(out, out->finding_index_size == 0 ? 16 : out->finding_index_size * 2);
    uint32_t mask = out->finding_index_size - 1;
    uint32_t slot = hash_text(hash_text(hash_text(warning, rule), column), message) & mask;
    for (; out->finding_index[slot] != 0; slot = (slot + 1) & mask) {
        uint32_t found = out->finding_index[slot] - 1;
        if (!finding_is(&out->findings[found], warning, rule, column, message)) continue;
        out->last_finding = found;
        return &out->findings[found];
    }
    WML_GROW(out->arena, out->findings, out->finding_count, out->finding_capacity);
    out->last_finding = out->finding_count++;
    out->finding_index[slot] = out->finding_count;
    wml_finding *made = &out->findings[out->last_finding];
    *made = (wml_finding){.is_warning = warning};
    made->rule = wml_arena_text(out->arena, wml_str_of(rule));
    made->column = column ? wml_arena_text(out->arena, wml_str_of(column)) : NULL;
    made->message = wml_arena_text(out->arena, wml_str_of(message));
    return made;
}

/* Rows are mostly reported in order; the contract wants them ascending, each once. */
static void add_row(wml_out *out, wml_finding *finding, uint32_t row) {
    uint32_t place = finding->count;
    while (place > 0 && finding->rows[place - 1] > row) place--;
    if (place > 0 && finding->rows[place - 1] == row) return;
    WML_GROW(out->arena, finding->rows, finding->count, finding->capacity);
    memmove(&finding->rows[place + 1], &finding->rows[place], (finding->count - place) * sizeof *finding->rows);
    finding->rows[place] = row;
    finding->count++;
}

static void find(wml_out *out, bool warning, size_t row, const char *rule, const char *column, const char *format,
                 va_list arguments) {
    if (row >= out->rows) {
        mistake(out, "something was found in a row that is not there");
        return;
    }
    const char *message = format;
    char made[4096];
    if (strchr(format, '%') != NULL) {
        vsnprintf(made, sizeof made, format, arguments);
        message = made;
    }
    add_row(out, finding_for(out, warning, rule, column, message), (uint32_t)row);
}

void wml_reject(wml_out *out, size_t row, const char *rule, const char *column, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    find(out, false, row, rule, column, format, arguments);
    va_end(arguments);
    if (row < out->rows) wml_drop_row(out, row);
}

void wml_warn_of(wml_out *out, size_t row, const char *rule, const char *column, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    find(out, true, row, rule, column, format, arguments);
    va_end(arguments);
}

void wml_bad_record(wml_out *out, const char *position, wml_str raw, const char *rule, const char *format, ...) {
    char message[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    WML_GROW(out->arena, out->bads, out->bad_count, out->bad_capacity);
    wml_bad *bad = &out->bads[out->bad_count++];
    bad->position = wml_arena_text(out->arena, wml_str_of(position));
    bad->raw = (wml_str){wml_arena_text(out->arena, raw), raw.size};
    bad->rule = wml_arena_text(out->arena, wml_str_of(rule));
    bad->message = wml_arena_text(out->arena, wml_str_of(message));
}

/* ---- the end ---- */

static bool is_all(const uint8_t *bitmap, uint32_t rows) {
    for (uint32_t byte = 0; byte < rows / 8; byte++) {
        if (bitmap[byte] != 0xff) return false;
    }
    return rows % 8 == 0 || bitmap[rows / 8] == (uint8_t)((1 << (rows % 8)) - 1);
}

static bool is_none(const wml_out *out) {
    if (out->bitmap == NULL) return out->rows == 0;
    for (uint32_t byte = 0; byte < (out->rows + 7) / 8; byte++) {
        if (out->bitmap[byte] != 0) return false;
    }
    return true;
}

/* By rows: what was emitted says which rows go on. */
static wml_status end_rows(wml_out *out, wml_outcome_of *result) {
    wml_buffer_add(&out->json, out->emitted == 0 ? "[]" : "]", out->emitted == 0 ? 2 : 1);
    result->json = wml_buffer_str(&out->json);
    result->rows = out->emitted;
    bool ascends = true;
    uint32_t without = 0;
    for (uint32_t row = 0; row < out->emitted; row++) {
        if (out->sources[row] == WML_NO_ROW) without++;
        if (row > 0 && out->sources[row] <= out->sources[row - 1]) ascends = false;
    }
    if (out->batch == NULL || (without > 0 && without == out->emitted)) {
        if (without != out->emitted) return wml_fatal("rows of a batch that has gone were put out");
        result->is_empty = out->emitted == 0;
        result->selection = WML_SELECT_DETACHED;
        result->selected = out->emitted;
        return WML_OK;
    }
    if (without != 0) return wml_fatal("rows that come from a row of the batch and rows that come from none were put out");
    result->is_empty = out->emitted == 0;
    result->selection = WML_SELECT_INDICES;
    result->selected = out->emitted;
    if (!ascends) return WML_OK;
    result->selection = out->emitted == out->rows ? WML_SELECT_ALL : WML_SELECT_BITMAP;
    if (result->selection == WML_SELECT_BITMAP) {
        out->bitmap = wml_arena_zero(out->arena, (out->rows + 7) / 8, 1);
        for (uint32_t row = 0; row < out->emitted; row++) out->bitmap[out->sources[row] / 8] |= (uint8_t)(1 << (out->sources[row] % 8));
    }
    return WML_OK;
}

wml_status wml_out_end(wml_out *out, wml_outcome_of *result) {
    *result = (wml_outcome_of){.per_output_row = out->is_taken};
    const wml_plan *plan = out->plan;
    if (out->mistake != NULL) return wml_fatal("%s", out->mistake);
    if (plan->by_rows) return end_rows(out, result);
    bool has_length = out->batch != NULL && !out->has_detached;
    uint32_t expected = out->is_taken ? out->taken_count : out->rows;
    if (out->is_taken) {
        result->selection = WML_SELECT_INDICES;
        result->selected = expected;
    } else if (!has_length) {
        result->selection = WML_SELECT_DETACHED;
        if (out->has_detached) {
            has_length = true;
            expected = out->detached;
        }
        result->per_output_row = true;
    } else {
        bool all = out->bitmap == NULL || is_all(out->bitmap, out->rows);
        result->selection = all ? WML_SELECT_ALL : WML_SELECT_BITMAP;
    }
    if (out->batch != NULL && !out->has_detached && (out->is_taken ? expected == 0 : is_none(out))) {
        result->is_empty = true;
        return WML_OK;
    }
    result->columns = wml_arena_zero(out->arena, plan->column_count, sizeof *result->columns);
    bool any_set = out->has_detached;
    for (uint32_t place = 0; place < plan->column_count; place++) {
        const wml_planned *planned = &plan->columns[place];
        if (planned->is_new && out->columns[planned->output].set != WML_NOT_SET) any_set = true;
    }
    if (!any_set && out->batch == NULL) {
        result->is_empty = true;
        return WML_OK;
    }
    for (uint32_t place = 0; place < plan->column_count; place++) {
        const wml_planned *planned = &plan->columns[place];
        if (!planned->is_new) continue;
        wml_out_column *column = &out->columns[planned->output];
        const char *name = planned->name.data;
        if (column->set == WML_SET_BUILDER) {
            WML_TRY(wml_builder_column(column->builder, &column->column));
            column->set = WML_SET_COLUMN;
        }
        if (column->set == WML_NOT_SET && has_length && expected == 0) {
            /* No row, no values. */
            WML_TRY(wml_builder_column(wml_builder_new(out->arena, planned->field), &column->column));
            column->set = WML_SET_COLUMN;
        }
        if (column->set == WML_NOT_SET) return wml_fatal("the output column `%s` was not set", name);
        if (column->set == WML_SET_COLUMN) {
            if (!has_length) {
                has_length = true;
                expected = column->column.length;
            }
            if (column->column.length != expected) {
                return wml_fatal("the output column `%s` has %u values for %u rows", name, column->column.length, expected);
            }
        }
        result->columns[result->column_count++] = *column;
    }
    if (result->selection == WML_SELECT_DETACHED) result->selected = expected;
    result->rows = expected;
    return WML_OK;
}
