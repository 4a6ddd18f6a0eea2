/* Text: upper case. ASCII is done in blocks, which the compiler turns into vector instructions. */
#include "internal.h"
#include "upper.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The code point at `*at`, which is moved behind it; UINT32_MAX where there is no UTF-8. */
static uint32_t next_point(const uint8_t **at, const uint8_t *end) {
    const uint8_t *text = *at;
    size_t left = (size_t)(end - text);
    if (text[0] >= 0xc2 && text[0] < 0xe0 && left >= 2) {
        *at = text + 2;
        return (uint32_t)(text[0] & 31) << 6 | (text[1] & 63);
    }
    if (text[0] >= 0xe0 && text[0] < 0xf0 && left >= 3) {
        *at = text + 3;
        return (uint32_t)(text[0] & 15) << 12 | (uint32_t)(text[1] & 63) << 6 | (text[2] & 63);
    }
    if (text[0] >= 0xf0 && text[0] < 0xf5 && left >= 4) {
        *at = text + 4;
        return (uint32_t)(text[0] & 7) << 18 | (uint32_t)(text[1] & 63) << 12 | (uint32_t)(text[2] & 63) << 6 | (text[3] & 63);
    }
    *at = text + 1;
    return UINT32_MAX;
}

static uint8_t *put_point(uint8_t *out, uint32_t point) {
    if (point < 0x80) {
        *out++ = (uint8_t)point;
        return out;
    }
    if (point < 0x800) {
        *out++ = (uint8_t)(0xc0 | point >> 6);
    } else {
        if (point < 0x10000) {
            *out++ = (uint8_t)(0xe0 | point >> 12);
        } else {
            *out++ = (uint8_t)(0xf0 | point >> 18);
            *out++ = (uint8_t)(0x80 | (point >> 12 & 63));
        }
        *out++ = (uint8_t)(0x80 | (point >> 6 & 63));
    }
    *out++ = (uint8_t)(0x80 | (point & 63));
    return out;
}

static uint8_t *put_upper(uint8_t *out, uint32_t point) {
    size_t low = 0, high = COUNT(UPPER);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (UPPER[middle].last < point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    /* Runs that go in steps of 2 may overlap with their neighbours. */
    for (size_t at = low; at < COUNT(UPPER) && at < low + 3; at++) {
        if (UPPER[at].first > point || (point - UPPER[at].first) % (uint32_t)UPPER[at].step != 0) continue;
        return put_point(out, (uint32_t)((int32_t)point + UPPER[at].delta));
    }
    low = 0, high = COUNT(UPPER_MANY);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (UPPER_MANY[middle][0] < point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == COUNT(UPPER_MANY) || UPPER_MANY[low][0] != point) return put_point(out, point);
    for (int part = 1; part < 4 && UPPER_MANY[low][part] != 0; part++) out = put_point(out, UPPER_MANY[low][part]);
    return out;
}

/* A code point of 2 bytes becomes at most 3 of 2 bytes each; ASCII is written in whole blocks. */
static size_t room_for_upper(size_t size) {
    return size * 3 + 16;
}

#define EACH_BYTE(value) ((uint64_t)0x0101010101010101 * (value))

/* Eight bytes in capitals, all of them ASCII: a sum has its highest bit where the byte is `a` or above, or above `z`. */
static uint64_t eight_upper(uint64_t bytes) {
    uint64_t from_a = bytes + EACH_BYTE(0x80 - 'a'), above_z = bytes + EACH_BYTE(0x7f - 'z');
    return bytes ^ ((from_a & ~above_z & EACH_BYTE(0x80)) >> 2);
}

static bool eight_ascii(const uint8_t *at, uint64_t *bytes) {
    memcpy(bytes, at, 8);
    return (*bytes & EACH_BYTE(0x80)) == 0;
}

static size_t put_text_upper(char *room, wml_str text) {
    const uint8_t *at = (const uint8_t *)text.data, *end = at + text.size;
    uint8_t *start = (uint8_t *)room, *out = start;
    uint64_t bytes;
    while (at < end) {
        size_t rest = (size_t)(end - at);
        if (rest >= 8 && eight_ascii(at, &bytes)) {
            bytes = eight_upper(bytes);
            memcpy(out, &bytes, 8);
            at += 8;
            out += 8;
            continue;
        }
        if (rest < 8 && text.size >= 8 && eight_ascii(end - 8, &bytes)) {
            /* Those before were ASCII too, so they are there already, one byte each. */
            bytes = eight_upper(bytes);
            memcpy(out - (8 - rest), &bytes, 8);
            out += rest;
            break;
        }
        if (*at < 0x80) {
            *out++ = (uint8_t)(*at ^ ((uint8_t)(*at - 'a') < 26 ? 0x20 : 0));
            at++;
            continue;
        }
        const uint8_t *before = at;
        uint32_t point = next_point(&at, end);
        if (point == UINT32_MAX) {
            *out++ = *before;
        } else {
            out = put_upper(out, point);
        }
    }
    return (size_t)(out - start);
}

void wml_append_upper(wml_builder *builder, wml_str text) {
    char *room = wml_begin_string(builder, room_for_upper(text.size));
    wml_end_string(builder, put_text_upper(room, text));
}

wml_str wml_upper(wml_str text) {
    char *room = wml_alloc(room_for_upper(text.size));
    return (wml_str){room, put_text_upper(room, text)};
}
