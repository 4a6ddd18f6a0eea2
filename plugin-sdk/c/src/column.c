/* Reading values of any type, and seeing through dictionaries. */
#include <stdio.h>

#include "internal.h"

void wml_column_init(wml_column *column, const wml_field *field) {
    *column = (wml_column){.field = field};
    column->has_wide_offsets = wml_has_wide_offsets(field->type.id);
    uint32_t width = wml_width_of(&field->type);
    column->width = (uint8_t)(width > UINT8_MAX ? 0 : width);
}

_Noreturn void wml_wrong_access(const wml_column *column, const char *as) {
    wml_die("column `%.*s` is %s and was read as %s", WML_PRINT(column->field->name), wml_type_name(column->field->type.id), as);
}

/* Buffers are aligned where the host has put them, but children of a plugin's own columns need not be. */
static uint64_t bits_at(const uint8_t *values, size_t row, size_t width) {
    uint64_t bits = 0;
    memcpy(&bits, values + row * width, width);
    return bits;
}

static int64_t signed_at(const uint8_t *values, size_t row, size_t width) {
    uint64_t bits = bits_at(values, row, width);
    switch (width) {
    case 1: return (int8_t)bits;
    case 2: return (int16_t)bits;
    case 4: return (int32_t)bits;
    default: return (int64_t)bits;
    }
}

uint64_t wml_key_at(const wml_column *column, size_t row) {
    return bits_at(column->values, row, column->width);
}

wml_decimal wml_decimal_of(int64_t value) {
    uint64_t rest = value < 0 ? UINT64_MAX : 0;
    return (wml_decimal){{(uint64_t)value, rest, rest, rest}};
}

static wml_decimal decimal_at(const wml_column *column, size_t row) {
    if (column->width <= 8) return wml_decimal_of(signed_at(column->values, row, column->width));
    wml_decimal decimal;
    memcpy(decimal.words, column->values + row * column->width, column->width);
    if (column->width == 16) {
        decimal.words[2] = decimal.words[3] = (int64_t)decimal.words[1] < 0 ? UINT64_MAX : 0;
    }
    return decimal;
}

static wml_interval interval_at(const wml_column *column, size_t row) {
    const uint8_t *place = column->values + row * column->width;
    wml_interval interval = {0};
    switch (column->field->type.interval) {
    case WML_YEAR_MONTH: memcpy(&interval.months, place, 4); break;
    case WML_DAY_TIME: {
        int32_t milliseconds;
        memcpy(&interval.days, place, 4);
        memcpy(&milliseconds, place + 4, 4);
        interval.nanoseconds = (int64_t)milliseconds * 1000000;
        break;
    }
    case WML_MONTH_DAY_NANO:
        memcpy(&interval.months, place, 4);
        memcpy(&interval.days, place + 4, 4);
        memcpy(&interval.nanoseconds, place + 8, 8);
        break;
    }
    return interval;
}

wml_value wml_value_at(const wml_column *column, size_t row) {
    const wml_field *field = column->field;
    wml_value value = {.type = field->type.id, .field = field};
    if (row >= column->length) wml_die("row %zu of column `%.*s`, which has %u", row, WML_PRINT(field->name), column->length);
    if (wml_is_null(column, row)) {
        value.type = WML_NULL;
        return value;
    }
    switch (field->type.id) {
    case WML_NULL:
    case WML_ANY: value.type = WML_NULL; break;
    case WML_BOOLEAN: value.boolean = wml_bool_at(column, row); break;
    case WML_INT8:
    case WML_INT16:
    case WML_INT32:
    case WML_INT64:
    case WML_DATE32:
    case WML_DATE64:
    case WML_TIME32:
    case WML_TIME64:
    case WML_TIMESTAMP:
    case WML_DURATION: value.integer = signed_at(column->values, row, column->width); break;
    case WML_UINT8:
    case WML_UINT16:
    case WML_UINT32:
    case WML_UINT64: value.natural = bits_at(column->values, row, column->width); break;
    case WML_FLOAT16: value.real = wml_half_to_double((uint16_t)bits_at(column->values, row, 2)); break;
    case WML_FLOAT32: memcpy(&value.real32, column->values + row * 4, 4); break;
    case WML_FLOAT64: memcpy(&value.real, column->values + row * 8, 8); break;
    case WML_UTF8:
    case WML_LARGE_UTF8:
    case WML_BINARY:
    case WML_LARGE_BINARY:
    case WML_FIXED_SIZE_BINARY: value.text = wml_string_at(column, row); break;
    case WML_INTERVAL: value.interval = interval_at(column, row); break;
    case WML_DECIMAL32:
    case WML_DECIMAL64:
    case WML_DECIMAL128:
    case WML_DECIMAL256: value.decimal = decimal_at(column, row); break;
    case WML_LIST_OF:
    case WML_LARGE_LIST_OF:
    case WML_MAP:
        value.items.column = &column->children[0];
        value.items.start = (size_t)wml_offset_at(column, row);
        value.items.count = (size_t)(wml_offset_at(column, row + 1) - wml_offset_at(column, row));
        break;
    case WML_FIXED_SIZE_LIST_OF:
        value.items.column = &column->children[0];
        value.items.start = row * field->type.size;
        value.items.count = field->type.size;
        break;
    case WML_STRUCT:
        value.record.column = column;
        value.record.row = row;
        break;
    case WML_DICTIONARY: return wml_value_at(&column->children[0], (size_t)wml_key_at(column, row));
    }
    return value;
}

wml_column wml_without_dictionary(wml_arena *arena, const wml_column *column) {
    const wml_column *dictionary = &column->children[0];
    wml_builder *builder = wml_builder_new(arena, dictionary->field);
    wml_builder_reserve(builder, column->length, 0);
    for (size_t row = 0; row < column->length; row++) wml_append_value(builder, wml_value_at(column, row));
    wml_column values;
    if (wml_builder_column(builder, &values) != WML_OK) wml_die("%s", wml_last_failure()->message);
    return values;
}

/* ---- floats of 16 bits, IEEE 754 binary16 ---- */

double wml_half_to_double(uint16_t bits) {
    uint64_t sign = (uint64_t)(bits >> 15) << 63;
    uint64_t exponent = (bits >> 10) & 31, fraction = bits & 1023;
    uint64_t made;
    if (exponent == 31) {
        made = sign | (uint64_t)2047 << 52 | fraction << 42;
    } else if (exponent != 0) {
        made = sign | (exponent - 15 + 1023) << 52 | fraction << 42;
    } else if (fraction == 0) {
        made = sign;
    } else {
        /* Without a leading 1: one is shifted in. */
        uint64_t shift = 0;
        while ((fraction & 1024) == 0) {
            fraction <<= 1;
            shift++;
        }
        made = sign | (uint64_t)(1023 - 14 - (int64_t)shift) << 52 | (fraction & 1023) << 42;
    }
    double number;
    memcpy(&number, &made, sizeof number);
    return number;
}

uint16_t wml_double_to_half(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    uint16_t sign = (uint16_t)((bits >> 63) << 15);
    int exponent = (int)((bits >> 52) & 2047) - 1023;
    uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    if (exponent == 1024) {
        uint16_t payload = (uint16_t)(fraction >> 42);
        if (fraction != 0 && payload == 0) payload = 512;
        return (uint16_t)(sign | 31 << 10 | payload);
    }
    if (exponent < -25) return sign;
    if (exponent > 15) return (uint16_t)(sign | 31 << 10);
    /* The value is `significand` times 2 to the power of `exponent - 52`. Halves end at 2^-24 or, from 2^-14, at 2^(exponent - 10). */
    uint64_t significand = fraction | (uint64_t)1 << 52;
    int drop = exponent >= -14 ? 42 : 42 + (-14 - exponent);
    uint64_t kept = significand >> drop, rest = significand & (((uint64_t)1 << drop) - 1), half = (uint64_t)1 << (drop - 1);
    if (rest > half || (rest == half && (kept & 1))) kept++;
    /* A carry makes the exponent one larger, as it should; at the top it makes infinity. */
    if (exponent >= -14) kept += (uint64_t)(exponent + 14) << 10;
    return (uint16_t)(sign | kept);
}

/* ---- decimals ---- */

static bool is_negative(const wml_decimal *value) {
    return (int64_t)value->words[3] < 0;
}

static void negate(wml_decimal *value) {
    uint64_t carry = 1;
    for (int word = 0; word < 4; word++) {
        value->words[word] = ~value->words[word] + carry;
        carry = carry && value->words[word] == 0;
    }
}

/* Divides by 10^9, in halves of words; returns the remainder. */
static uint32_t divide(wml_decimal *value) {
    uint64_t rest = 0;
    for (int word = 3; word >= 0; word--) {
        uint64_t high = rest << 32 | value->words[word] >> 32;
        rest = high % 1000000000;
        uint64_t low = rest << 32 | (value->words[word] & UINT32_MAX);
        rest = low % 1000000000;
        value->words[word] = (high / 1000000000) << 32 | low / 1000000000;
    }
    return (uint32_t)rest;
}

char *wml_decimal_text(wml_decimal value, int scale, char *text) {
    char digits[96]; /* the lowest first */
    int count = 0;
    bool negative = is_negative(&value);
    if (negative) negate(&value);
    for (int part = 0; part < 9; part++) {
        uint32_t rest = divide(&value);
        for (int digit = 0; digit < 9; digit++, rest /= 10) digits[count++] = (char)('0' + rest % 10);
    }
    while (count > 1 && digits[count - 1] == '0') count--;
    char *out = text;
    if (negative) *out++ = '-';
    bool is_zero = count == 1 && digits[0] == '0';
    int before = count - scale; /* digits before the point */
    if (before <= 0) *out++ = '0';
    for (int at = count - 1; at >= 0 && before > 0 && at >= scale; at--) *out++ = digits[at];
    for (int zero = 0; zero > scale && zero > -77 && !is_zero; zero--) *out++ = '0';
    if (scale > 0) {
        *out++ = '.';
        for (int at = scale - 1; at >= 0; at--) *out++ = at < count ? digits[at] : '0';
    }
    *out = '\0';
    return text;
}

bool wml_decimal_parse(wml_str text, int scale, wml_decimal *value) {
    size_t at = 0;
    bool negative = false, after_point = false, has_digits = false;
    int decimals = 0, digits = 0;
    if (at < text.size && (text.data[at] == '-' || text.data[at] == '+')) negative = text.data[at++] == '-';
    wml_decimal made = {{0}};
    for (; at < text.size || decimals < scale; at++) {
        char digit = '0';
        if (at < text.size) {
            digit = text.data[at];
            if (digit == '.' && !after_point) {
                after_point = true;
                continue;
            }
            if (digit < '0' || digit > '9') return false;
            has_digits = true;
            if (after_point && ++decimals > scale) return false;
        } else {
            decimals++;
        }
        if ((digits > 0 || digit != '0') && ++digits > 76) return false;
        uint64_t carry = (uint64_t)(digit - '0');
        for (int word = 0; word < 4; word++) {
            uint64_t low = (made.words[word] & UINT32_MAX) * 10 + carry;
            uint64_t high = (made.words[word] >> 32) * 10 + (low >> 32);
            made.words[word] = high << 32 | (low & UINT32_MAX);
            carry = high >> 32;
        }
    }
    if (!has_digits) return false;
    if (negative) negate(&made);
    *value = made;
    return true;
}
