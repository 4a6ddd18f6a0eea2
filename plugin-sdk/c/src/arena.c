/*
 * Arenas: memory that is handed out front to back and freed all at once.
 *
 * An arena is a list of chunks, of which the newest is handed out. When it is reset and had several, they are freed, and the next
 * chunk is as large as all of them together. So an arena that is used for one batch after another soon has one chunk, and a call
 * costs no malloc. A plugin never gives memory back to the host, so nothing is gained by freeing more.
 */
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define ALIGNMENT ((size_t)16)
#define FIRST_CHUNK ((size_t)64 * 1024)

typedef struct chunk {
    _Alignas(16) struct chunk *older;
    size_t size; /* without this header */
    size_t used;
    size_t unused;
} chunk;

struct wml_arena {
    chunk *newest;
    size_t next_size;
};

static_assert(sizeof(chunk) % ALIGNMENT == 0, "what follows the header is aligned");

static char *bytes_of(chunk *chunk_) {
    return (char *)(chunk_ + 1);
}

_Noreturn void wml_die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    fflush(stderr);
    abort();
}

wml_arena *wml_arena_new(void) {
    wml_arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL) wml_die("out of memory");
    arena->next_size = FIRST_CHUNK;
    return arena;
}

static void free_chunks(wml_arena *arena) {
    while (arena->newest != NULL) {
        chunk *older = arena->newest->older;
        free(arena->newest);
        arena->newest = older;
    }
}

void wml_arena_free(wml_arena *arena) {
    if (arena == NULL) return;
    free_chunks(arena);
    free(arena);
}

void wml_arena_reset(wml_arena *arena) {
    if (arena->newest == NULL) return;
    if (arena->newest->older == NULL) {
        arena->newest->used = 0;
        return;
    }
    arena->next_size = wml_arena_size(arena);
    free_chunks(arena);
}

size_t wml_arena_size(const wml_arena *arena) {
    size_t size = 0;
    for (const chunk *each = arena->newest; each != NULL; each = each->older) size += each->size;
    return size;
}

static size_t rounded(size_t size) {
    if (size > SIZE_MAX / 2) wml_die("out of memory: %zu bytes were asked for", size);
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static void *from_new_chunk(wml_arena *arena, size_t size) {
    size_t chunk_size = size > arena->next_size ? size : arena->next_size;
    /* Larger than what is left: rather a chunk of the right size than none. */
    chunk *made = malloc(sizeof(chunk) + chunk_size);
    if (made == NULL && chunk_size > size) {
        chunk_size = size;
        made = malloc(sizeof(chunk) + chunk_size);
    }
    if (made == NULL) wml_die("out of memory: %zu bytes were asked for", size);
    made->older = arena->newest;
    made->size = chunk_size;
    made->used = size;
    arena->newest = made;
    if (arena->next_size < ((size_t)4 << 20)) arena->next_size *= 2;
    return bytes_of(made);
}

void *wml_arena_alloc(wml_arena *arena, size_t size) {
    size = rounded(size);
    chunk *newest = arena->newest;
    if (newest == NULL || size > newest->size - newest->used) return from_new_chunk(arena, size);
    void *found = bytes_of(newest) + newest->used;
    newest->used += size;
    return found;
}

void *wml_arena_zero(wml_arena *arena, size_t count, size_t size) {
    if (size != 0 && count > SIZE_MAX / 2 / size) wml_die("out of memory");
    void *made = wml_arena_alloc(arena, count * size);
    return memset(made, 0, count * size);
}

void *wml_arena_grow(wml_arena *arena, void *old, size_t old_size, size_t new_size) {
    size_t before = rounded(old_size), after = rounded(new_size);
    chunk *newest = arena->newest;
    bool is_last = old != NULL && newest != NULL && (char *)old + before == bytes_of(newest) + newest->used;
    if (is_last && before <= newest->used && after >= before && after - before <= newest->size - newest->used) {
        newest->used += after - before;
        return old;
    }
    void *made = wml_arena_alloc(arena, new_size);
    if (old_size != 0) memcpy(made, old, old_size < new_size ? old_size : new_size);
    return made;
}

char *wml_arena_text(wml_arena *arena, wml_str text) {
    char *copy = wml_arena_alloc(arena, text.size + 1);
    if (text.size != 0) memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}

static char *formatted(wml_arena *arena, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size < 0) size = 0;
    char *text = wml_arena_alloc(arena, (size_t)size + 1);
    text[0] = '\0';
    vsnprintf(text, (size_t)size + 1, format, again);
    va_end(again);
    return text;
}

char *wml_arena_printf(wml_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = formatted(arena, format, arguments);
    va_end(arguments);
    return text;
}

char *wml_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = formatted(wml_call_arena(), format, arguments);
    va_end(arguments);
    return text;
}

/* The two arenas of a plugin. On a machine they are the same for all tests. */
wml_arena *wml_call_arena(void) {
    static wml_arena *arena;
    if (arena == NULL) arena = wml_arena_new();
    return arena;
}

wml_arena *wml_plugin_arena(void) {
    static wml_arena *arena;
    if (arena == NULL) arena = wml_arena_new();
    return arena;
}

wml_buffer wml_buffer_new(void) {
    return wml_buffer_in(wml_call_arena());
}

wml_buffer wml_buffer_in(wml_arena *arena) {
    return (wml_buffer){.arena = arena};
}

void wml_buffer_reserve(wml_buffer *buffer, size_t more) {
    if (more <= buffer->capacity - buffer->size) return;
    if (more > SIZE_MAX / 4 || buffer->size > SIZE_MAX / 4) wml_die("out of memory: %zu bytes were asked for", more);
    size_t capacity = buffer->capacity * 2;
    if (capacity < buffer->size + more) capacity = buffer->size + more;
    if (capacity < 64) capacity = 64;
    capacity = rounded(capacity);
    buffer->data = wml_arena_grow(buffer->arena, buffer->data, buffer->capacity, capacity);
    buffer->capacity = capacity;
}

void wml_buffer_vprintf(wml_buffer *buffer, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size > 0) {
        wml_buffer_reserve(buffer, (size_t)size + 1);
        vsnprintf(buffer->data + buffer->size, (size_t)size + 1, format, again);
        buffer->size += (size_t)size;
    }
    va_end(again);
}

void wml_buffer_printf(wml_buffer *buffer, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    wml_buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}
