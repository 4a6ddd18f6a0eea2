/* What a plugin reads and writes, as `bind` says it. */
#include "internal.h"

wml_plan *wml_plan_new(wml_arena *arena, wml_schema schema, bool keep_all) {
    wml_plan *plan = wml_arena_zero(arena, 1, sizeof *plan);
    plan->arena = arena;
    plan->schema = schema;
    /* Room for each column of the input, and for as many reads: nothing is read twice. */
    plan->reads = wml_arena_zero(arena, schema.count, sizeof *plan->reads);
    if (!keep_all) return plan;
    plan->columns = wml_arena_zero(arena, schema.count + 8, sizeof *plan->columns);
    plan->column_capacity = schema.count + 8;
    plan->column_count = schema.count;
    for (uint32_t position = 0; position < schema.count; position++) {
        plan->columns[position] = (wml_planned){.input = position, .name = schema.fields[position].name, .output = -1};
    }
    return plan;
}

const wml_schema *wml_plan_schema(const wml_plan *plan) {
    return &plan->schema;
}

static wml_type_id narrow(wml_type_id id) {
    if (id == WML_LARGE_UTF8) return WML_UTF8;
    return id == WML_LARGE_BINARY ? WML_BINARY : id;
}

wml_status wml_read(wml_plan *plan, const char *name, wml_type_id type, int *input) {
    int position = wml_schema_find(&plan->schema, name);
    if (position < 0) return wml_bad_schema(name, "there is no such column");
    const wml_field *field = &plan->schema.fields[position];
    bool is_dictionary = field->type.id == WML_DICTIONARY;
    bool as_values = is_dictionary && type != WML_ANY && type != WML_DICTIONARY;
    wml_type_id present = as_values ? field->children[0].type.id : field->type.id;
    if (type != WML_ANY && present != type && narrow(present) != type) {
        return wml_bad_schema(name, "is %s, not %s", wml_type_name(present), wml_type_name(type));
    }
    for (uint32_t read = 0; read < plan->read_count; read++) {
        if (plan->reads[read].position != (uint32_t)position) continue;
        if (plan->reads[read].as_values != as_values) {
            return wml_fatal("column `%s` is read with its dictionary and without", name);
        }
        *input = (int)read;
        return WML_OK;
    }
    plan->reads[plan->read_count] = (wml_read_column){.position = (uint32_t)position, .as_values = as_values};
    *input = (int)plan->read_count++;
    return WML_OK;
}

void wml_read_all(wml_plan *plan) {
    if (plan->read_count != 0) wml_die("wml_read_all after wml_read");
    for (uint32_t position = 0; position < plan->schema.count; position++) {
        plan->reads[plan->read_count++] = (wml_read_column){.position = position};
    }
}

static int place_of(const wml_plan *plan, wml_str name) {
    for (uint32_t place = 0; place < plan->column_count; place++) {
        if (wml_str_equal(plan->columns[place].name, name)) return (int)place;
    }
    return -1;
}

int wml_write_field(wml_plan *plan, const wml_field *field) {
    wml_field *copy = wml_arena_alloc(plan->arena, sizeof *copy);
    *copy = wml_field_copy(plan->arena, field);
    wml_planned planned = {.is_new = true, .name = copy->name, .output = plan->declared++, .field = copy};
    int place = place_of(plan, copy->name);
    if (place >= 0) {
        plan->columns[place] = planned;
    } else {
        WML_GROW(plan->arena, plan->columns, plan->column_count, plan->column_capacity);
        plan->columns[plan->column_count++] = planned;
    }
    return planned.output;
}

int wml_write(wml_plan *plan, const char *name, wml_type_id type) {
    wml_field field = {.name = wml_str_of(name), .type = {.id = type}, .nullable = true};
    return wml_write_field(plan, &field);
}

wml_status wml_drop(wml_plan *plan, const char *name) {
    int place = place_of(plan, wml_str_of(name));
    if (place < 0) return wml_bad_schema(name, "there is no such column in the output");
    plan->column_count--;
    memmove(&plan->columns[place], &plan->columns[place + 1], (plan->column_count - (uint32_t)place) * sizeof *plan->columns);
    return WML_OK;
}

void wml_drop_all(wml_plan *plan) {
    plan->column_count = 0;
}

wml_status wml_rename(wml_plan *plan, const char *from, const char *to) {
    int place = place_of(plan, wml_str_of(from));
    if (place < 0) return wml_bad_schema(from, "there is no such column in the output");
    wml_planned *planned = &plan->columns[place];
    planned->name = (wml_str){wml_arena_text(plan->arena, wml_str_of(to)), strlen(to)};
    if (planned->is_new) {
        wml_field *renamed = wml_arena_alloc(plan->arena, sizeof *renamed);
        *renamed = *planned->field;
        renamed->name = planned->name;
        planned->field = renamed;
    }
    return WML_OK;
}

wml_status wml_keyed_by(wml_plan *plan, const char *const *names, size_t count) {
    plan->keys = wml_arena_zero(plan->arena, count, sizeof *plan->keys);
    for (size_t key = 0; key < count; key++) {
        int position = wml_schema_find(&plan->schema, names[key]);
        if (position < 0) return wml_bad_schema(names[key], "there is no such column");
        plan->keys[key] = (uint32_t)position;
    }
    plan->key_count = (uint32_t)count;
    plan->scope = WML_SCOPE_KEYED;
    return WML_OK;
}

void wml_single_instance(wml_plan *plan) {
    plan->scope = WML_SCOPE_SINGLE;
}

void wml_by_rows(wml_plan *plan) {
    plan->by_rows = true;
}
