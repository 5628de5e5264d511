/* Rows of a MongoDB reply as JSON, straight from BSON (bsonspec.org) to UTF-8 text (RFC 8259).

   Only what is plain is written: text, whole numbers, dates, null. Whatever else stands in a column, and whatever is
   not as the two formats have it, is NOT_PLAIN: then nothing is written, and the caller decodes the rows and decides.
   No byte outside of the reply is read, whatever its lengths say. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT, LONG, TIME };
enum { NOT_PLAIN = -1, TOO_LONG = -2, NO_MEMORY = -3 };
enum { BSON_TEXT = 0x02, BSON_DOCUMENT = 0x03, BSON_ARRAY = 0x04, BSON_DATE = 0x09, BSON_NULL = 0x0A };
enum { BSON_INT32 = 0x10, BSON_INT64 = 0x12 };

#define SMALLEST_DOCUMENT 5
#define TICKS_OF_A_MILLISECOND 10000
#define EARLIEST (-62135596800000LL) /* year 1, in milliseconds since 1970 */
#define LATEST 253402300799999LL     /* the end of year 9999 */

typedef struct {
    const uint8_t *name;
    int64_t length;
    const uint8_t *value; /* in the row that is being written; NULL where it has none */
    int32_t type;
} Field;

typedef struct {
    const uint8_t *before; /* what stands before the value, key included */
    int64_t before_length;
    int32_t field;
    int32_t ticks; /* the field of the 100 ns below the millisecond; negative where there is none */
    int32_t shape;
    int32_t digits; /* of a second's fraction: 3 or 7 */
    int32_t required;
} Column;

typedef struct {
    uint8_t *bytes;
    int64_t length;
    int64_t room;
    int64_t most;
} Text;

static int32_t int32_at(const uint8_t *at) {
    return (int32_t)((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
}

static int64_t int64_at(const uint8_t *at) {
    return (int64_t)((uint64_t)(uint32_t)int32_at(at) | (uint64_t)(uint32_t)int32_at(at + 4) << 32);
}

/* ---- reading BSON ---- */

/* Where a document that begins here ends; NULL where it is not whole. */
static const uint8_t *document_end(const uint8_t *at, const uint8_t *end) {
    if (end - at < SMALLEST_DOCUMENT) return NULL;
    int64_t size = int32_at(at);
    if (size < SMALLEST_DOCUMENT || size > end - at || at[size - 1] != 0) return NULL;
    return at + size;
}

static int64_t sized(const uint8_t *at, const uint8_t *end, int64_t more) {
    if (end - at < 4) return NOT_PLAIN;
    int64_t size = int32_at(at);
    return size < 0 ? NOT_PLAIN : size + more;
}

static int64_t cstring_size(const uint8_t *at, const uint8_t *end) {
    const uint8_t *zero = end > at ? memchr(at, 0, (size_t)(end - at)) : NULL;
    return zero == NULL ? NOT_PLAIN : zero - at + 1;
}

/* How many bytes a value takes; NOT_PLAIN where that cannot be known or is more than there are. */
static int64_t value_size(int32_t type, const uint8_t *at, const uint8_t *end) {
    int64_t size;
    switch (type) {
        case 0x01: case BSON_DATE: case 0x11: case BSON_INT64: size = 8; break;
        case BSON_TEXT: case 0x0D: case 0x0E: size = sized(at, end, 4); break;
        case BSON_DOCUMENT: case BSON_ARRAY: case 0x0F: size = sized(at, end, 0); break;
        case 0x05: size = sized(at, end, 5); break;
        case 0x0C: size = sized(at, end, 16); break;
        case 0x07: size = 12; break;
        case 0x08: size = 1; break;
        case BSON_INT32: size = 4; break;
        case 0x13: size = 16; break;
        case 0x06: case BSON_NULL: case 0x7F: case 0xFF: size = 0; break;
        case 0x0B: {
            size = cstring_size(at, end);
            if (size < 0) return NOT_PLAIN;
            int64_t options = cstring_size(at + size, end);
            size = options < 0 ? NOT_PLAIN : size + options;
            break;
        }
        default: return NOT_PLAIN;
    }
    return size < 0 || size > end - at ? NOT_PLAIN : size;
}

typedef struct {
    const uint8_t *at; /* the next element */
    const uint8_t *end; /* the zero that ends the document */
    const uint8_t *name;
    int64_t name_length;
    const uint8_t *value;
    int64_t size;
    int32_t type;
} Elements;

static int begin(Elements *elements, const uint8_t *document, const uint8_t *end) {
    const uint8_t *after = document_end(document, end);
    if (after == NULL) return 0;
    elements->at = document + 4;
    elements->end = after - 1;
    return 1;
}

/* Take the next element: 1, 0 at the end, NOT_PLAIN where there is no whole one. */
static int next(Elements *elements) {
    if (elements->at == elements->end) return 0;
    elements->type = *elements->at++;
    elements->name = elements->at;
    int64_t name = cstring_size(elements->at, elements->end);
    if (name < 0) return NOT_PLAIN;
    elements->name_length = name - 1;
    elements->value = elements->at + name;
    elements->size = value_size(elements->type, elements->value, elements->end);
    if (elements->size < 0) return NOT_PLAIN;
    elements->at = elements->value + elements->size;
    return 1;
}

static int is_named(const Elements *elements, const char *name) {
    return elements->name_length == (int64_t)strlen(name) && memcmp(elements->name, name, strlen(name)) == 0;
}

/* Find an element of a document. */
static int find(Elements *elements, const uint8_t *document, const uint8_t *end, const char *name, int32_t type) {
    if (!begin(elements, document, end)) return 0;
    while (next(elements) == 1)
        if (is_named(elements, name)) return elements->type == type;
    return 0;
}

/* Note where the values of a row's fields stand; of a name that is there twice the last one counts, as in a dict. */
static int read_row(const uint8_t *row, const uint8_t *end, Field *fields, int32_t count) {
    Elements elements;
    int32_t expected = 0;
    int found;
    for (int32_t index = 0; index < count; index++) fields[index].value = NULL;
    if (!begin(&elements, row, end)) return NOT_PLAIN;
    while ((found = next(&elements)) == 1) {
        for (int32_t tried = 0; tried < count; tried++) {
            int32_t index = expected + tried < count ? expected + tried : expected + tried - count;
            Field *field = &fields[index];
            if (field->length == elements.name_length
                && memcmp(field->name, elements.name, (size_t)field->length) == 0) {
                field->value = elements.value;
                field->type = elements.type;
                expected = index + 1 < count ? index + 1 : 0;
                break;
            }
        }
    }
    return found;
}

static int is_whole(int32_t type) { return type == BSON_INT32 || type == BSON_INT64; }

static int64_t whole(int32_t type, const uint8_t *value) {
    return type == BSON_INT32 ? int32_at(value) : int64_at(value);
}

/* ---- writing JSON ---- */

static int make_room(Text *text, int64_t more) {
    int64_t needed = text->length + more;
    if (needed > text->most) return TOO_LONG;
    if (needed <= text->room) return 1;
    int64_t room = text->room * 2 > needed ? text->room * 2 : needed;
    uint8_t *bytes = realloc(text->bytes, (size_t)room);
    if (bytes == NULL) return NO_MEMORY;
    text->bytes = bytes;
    text->room = room;
    return 1;
}

static int append(Text *text, const void *bytes, int64_t length) {
    int made = make_room(text, length);
    if (made != 1) return made;
    memcpy(text->bytes + text->length, bytes, (size_t)length);
    text->length += length;
    return 1;
}

/* How many bytes the character takes that begins with a byte beyond ASCII; 0 where it is no UTF-8 (RFC 3629). */
static int64_t character_size(const uint8_t *at, const uint8_t *end) {
    int64_t left = end - at;
    uint8_t least = 0x80, most = 0xBF;
    int64_t size;
    if (at[0] >= 0xC2 && at[0] <= 0xDF) size = 2;
    else if (at[0] >= 0xE0 && at[0] <= 0xEF) size = 3;
    else if (at[0] >= 0xF0 && at[0] <= 0xF4) size = 4;
    else return 0;
    if (at[0] == 0xE0) least = 0xA0;
    if (at[0] == 0xED) most = 0x9F;
    if (at[0] == 0xF0) least = 0x90;
    if (at[0] == 0xF4) most = 0x8F;
    if (left < size || at[1] < least || at[1] > most) return 0;
    for (int64_t index = 2; index < size; index++)
        if ((at[index] & 0xC0) != 0x80) return 0;
    return size;
}

static int append_escaped(Text *text, uint8_t byte) {
    static const char digits[] = "0123456789abcdef";
    char escaped[6] = {'\\', 0, '0', '0', digits[byte >> 4], digits[byte & 15]};
    switch (byte) {
        case '"': case '\\': escaped[1] = (char)byte; break;
        case '\b': escaped[1] = 'b'; break;
        case '\t': escaped[1] = 't'; break;
        case '\n': escaped[1] = 'n'; break;
        case '\f': escaped[1] = 'f'; break;
        case '\r': escaped[1] = 'r'; break;
        default: escaped[1] = 'u'; return append(text, escaped, 6);
    }
    return append(text, escaped, 2);
}

static int append_text(Text *text, const uint8_t *value, int64_t size) {
    int64_t length = int32_at(value);
    if (length < 1 || length + 4 != size || value[size - 1] != 0) return NOT_PLAIN;
    const uint8_t *at = value + 4, *end = at + length - 1, *clean = at;
    int made = append(text, "\"", 1);
    while (made == 1 && at < end) {
        if (*at >= 0x80) {
            int64_t character = character_size(at, end);
            if (character == 0) return NOT_PLAIN;
            at += character;
        } else if (*at >= 0x20 && *at != '"' && *at != '\\') {
            at++;
        } else {
            made = append(text, clean, at - clean);
            if (made == 1) made = append_escaped(text, *at);
            clean = ++at;
        }
    }
    if (made == 1) made = append(text, clean, end - clean);
    return made == 1 ? append(text, "\"", 1) : made;
}

static int append_whole(Text *text, int64_t value) {
    char digits[20];
    int at = 20;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0) digits[--at] = '-';
    return append(text, digits + at, 20 - at);
}

static char *put_digits(char *at, int64_t value, int count) {
    for (int index = count - 1; index >= 0; index--) {
        at[index] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + count;
}

/* Write a date as RFC 3339 has it, in UTC. The day is found as in H. Hinnant, "chrono-Compatible Low-Level Date
   Algorithms" (2013), civil_from_days: years begin in March there, and 400 of them have 146,097 days. */
static int append_time(Text *text, int64_t milliseconds, int64_t ticks, int32_t digits) {
    if (milliseconds < EARLIEST || milliseconds > LATEST) return NOT_PLAIN;
    int64_t since = milliseconds - EARLIEST; /* not negative */
    int64_t in_day = since % 86400000, days = since / 86400000 + 306; /* since March 1 of the year 0 */
    int64_t era = days / 146097, day_of_era = days % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
    int64_t day = day_of_year - (153 * month + 2) / 5 + 1;
    int64_t year = year_of_era + era * 400 + (month >= 10);
    char written[32], *at = written;
    *at++ = '"';
    at = put_digits(at, year, 4);
    *at++ = '-';
    at = put_digits(at, month < 10 ? month + 3 : month - 9, 2);
    *at++ = '-';
    at = put_digits(at, day, 2);
    *at++ = 'T';
    at = put_digits(at, in_day / 3600000, 2);
    *at++ = ':';
    at = put_digits(at, in_day / 60000 % 60, 2);
    *at++ = ':';
    at = put_digits(at, in_day / 1000 % 60, 2);
    *at++ = '.';
    at = put_digits(at, in_day % 1000, 3);
    if (digits == 7) at = put_digits(at, ticks, 4);
    *at++ = 'Z';
    *at++ = '"';
    return append(text, written, at - written);
}

static int append_value(Text *text, const Column *column, const Field *fields) {
    const Field *field = &fields[column->field];
    if (field->value == NULL || field->type == BSON_NULL)
        return column->required ? NOT_PLAIN : append(text, "null", 4);
    if (column->shape == TEXT && field->type == BSON_TEXT)
        return append_text(text, field->value, 4 + (int64_t)int32_at(field->value));
    if (column->shape == LONG && is_whole(field->type)) return append_whole(text, whole(field->type, field->value));
    if (column->shape == TIME && field->type == BSON_DATE) {
        int64_t ticks = 0;
        const Field *below = column->ticks < 0 ? NULL : &fields[column->ticks];
        if (below != NULL && below->value != NULL && below->type != BSON_NULL) {
            if (!is_whole(below->type)) return NOT_PLAIN;
            ticks = whole(below->type, below->value);
            if (ticks < 0 || ticks >= TICKS_OF_A_MILLISECOND) return NOT_PLAIN;
        }
        return append_time(text, int64_at(field->value), ticks, column->digits);
    }
    return NOT_PLAIN;
}

/* ---- what the package calls: app/store/compiled.py ---- */

int32_t gateway_rows_version(void) { return 2; }

/* Find the rows in the reply to a find: how many there are, where each begins, and the cursor that has more (or 0).
   NOT_PLAIN where it is no such reply, or holds more than `most` rows. */
int64_t gateway_find_rows(const uint8_t *reply, int64_t length, int32_t *places, int64_t most, int64_t *cursor) {
    Elements elements;
    const uint8_t *end = reply + length;
    if (!find(&elements, reply, end, "cursor", BSON_DOCUMENT)) return NOT_PLAIN;
    const uint8_t *inner = elements.value, *inner_end = elements.at;
    if (!find(&elements, inner, inner_end, "id", BSON_INT64)) return NOT_PLAIN;
    *cursor = int64_at(elements.value);
    if (!find(&elements, inner, inner_end, "firstBatch", BSON_ARRAY)) return NOT_PLAIN;
    const uint8_t *batch = elements.value, *batch_end = elements.at;
    if (!begin(&elements, batch, batch_end)) return NOT_PLAIN;
    int64_t rows = 0;
    int found;
    while ((found = next(&elements)) == 1) {
        if (rows == most || elements.type != BSON_DOCUMENT) return NOT_PLAIN;
        if (document_end(elements.value, elements.at) != elements.at) return NOT_PLAIN;
        places[rows++] = (int32_t)(elements.value - reply);
    }
    return found == 0 ? rows : NOT_PLAIN;
}

/* Whether all of these rows hold ticks below a millisecond under this name. */
int32_t gateway_all_ticks(
    const uint8_t *reply, int64_t length, const int32_t *places, int64_t rows, const uint8_t *name, int64_t name_length
) {
    Field field = {name, name_length, NULL, 0};
    for (int64_t row = 0; row < rows; row++) {
        if (read_row(reply + places[row], reply + length, &field, 1) != 0) return 0;
        if (field.value == NULL || !is_whole(field.type)) return 0;
        int64_t ticks = whole(field.type, field.value);
        if (ticks < 0 || ticks >= TICKS_OF_A_MILLISECOND) return 0;
    }
    return 1;
}

/* Write rows as a JSON array: its length in bytes, and where they are, for `gateway_free`. */
int64_t gateway_write_rows(
    const uint8_t *reply, int64_t length, const int32_t *places, int64_t rows, Field *fields, int32_t field_count,
    const Column *columns, int32_t column_count, int64_t most, uint8_t **written
) {
    Text text = {NULL, 0, 0, most};
    int made = append(&text, "[", 1);
    for (int64_t row = 0; row < rows && made == 1; row++) {
        if (row > 0) made = append(&text, ",", 1);
        if (made == 1 && read_row(reply + places[row], reply + length, fields, field_count) != 0) made = NOT_PLAIN;
        for (int32_t column = 0; column < column_count && made == 1; column++) {
            made = append(&text, columns[column].before, columns[column].before_length);
            if (made == 1) made = append_value(&text, &columns[column], fields);
        }
        if (made == 1) made = append(&text, "}", 1);
    }
    if (made == 1) made = append(&text, "]", 1);
    if (made != 1) {
        free(text.bytes);
        return made;
    }
    *written = text.bytes;
    return text.length;
}

void gateway_free(uint8_t *written) { free(written); }
