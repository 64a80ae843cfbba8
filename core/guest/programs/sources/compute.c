/*
 * Integer compute as gcc -O2 compiles it: five parts, each on its own small working set, which `part` selects alone or
 * together. A round starts from the same data, so the checksum differs with n only by how often a part is folded in.
 */
#include "../runtime/runtime.h"

const char program_name[] = "compute";

/* Rounds; about 750,000 instructions each with part=all. */
PARAMETER(n, 1, "");
PARAMETER(part, 0, "all,crc,sort,matrix,compress,hash");

#define PHASE_FIRST 3 /* region phases: 3 is crc, 4 sort, … */
#define WORDS 1024

/* ---- crc: CRC-32 of IEEE 802.3, reflected polynomial, a table of 256 words. ---- */
#define CRC_POLYNOMIAL 0xedb88320u
static uint32_t crc_table[256];

static void crc_prepare(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t word = i;
    for (int bit = 0; bit < 8; bit++) word = word & 1 ? word >> 1 ^ CRC_POLYNOMIAL : word >> 1;
    crc_table[i] = word;
  }
}

static uint32_t crc32(const uint8_t *bytes, uint32_t length) {
  uint32_t crc = ~0u;
  for (uint32_t i = 0; i < length; i++) crc = crc >> 8 ^ crc_table[(crc ^ bytes[i]) & 255];
  return ~crc;
}

/* ---- The data: text-like bytes, with repetitions for the compressor to find. ---- */
static uint32_t data[WORDS];

static void data_prepare(void) {
  uint32_t random = 2463534242u;
  uint8_t *bytes = (uint8_t *)data;
  for (uint32_t i = 0; i < sizeof data;) {
    uint32_t draw = xorshift32(&random);
    uint32_t length = 4 + (draw & 15);
    uint32_t from = i > 64 ? draw / 16 % (i - 32) : 0;
    bool is_repetition = i > 64 && (draw & 0x10000000) != 0;
    for (; length > 0 && i < sizeof data; length--, i++)
      bytes[i] = is_repetition ? bytes[from++] : (uint8_t)('a' + random_below(&random, 26));
  }
}

static uint32_t run_crc(void) {
  uint32_t crc = 0;
  for (int i = 0; i < 2; i++) crc ^= crc32((const uint8_t *)data, sizeof data - (uint32_t)i);
  return crc;
}

/* ---- sort: heap sort of 1,024 words, then a check by binary search. ---- */
static uint32_t sorted[WORDS];

static void sift(uint32_t root, uint32_t count) {
  uint32_t value = sorted[root];
  for (uint32_t child; (child = 2 * root + 1) < count; root = child) {
    if (child + 1 < count && sorted[child + 1] > sorted[child]) child++;
    if (sorted[child] <= value) break;
    sorted[root] = sorted[child];
  }
  sorted[root] = value;
}

static uint32_t run_sort(void) {
  uint32_t random = 88172645u;
  for (uint32_t i = 0; i < WORDS; i++) sorted[i] = xorshift32(&random);
  for (uint32_t i = WORDS / 2; i > 0; i--) sift(i - 1, WORDS);
  for (uint32_t end = WORDS - 1; end > 0; end--) {
    uint32_t largest = sorted[0];
    sorted[0] = sorted[end];
    sorted[end] = largest;
    sift(0, end);
  }
  uint32_t checksum = CHECKSUM_START;
  for (uint32_t i = 0; i < WORDS; i++) {
    if (i > 0 && sorted[i - 1] > sorted[i]) fail("sort: out of order");
    checksum = checksum_add(checksum, sorted[i]);
  }
  return checksum;
}

/* ---- matrix: a product of two square matrices of 24 rows. ---- */
#define ROWS 24
static uint32_t left[ROWS][ROWS], right[ROWS][ROWS], product[ROWS][ROWS];

static uint32_t run_matrix(void) {
  for (uint32_t i = 0; i < ROWS; i++)
    for (uint32_t j = 0; j < ROWS; j++) {
      left[i][j] = i * 7 + j;
      right[i][j] = i ^ j * 5;
    }
  for (uint32_t i = 0; i < ROWS; i++)
    for (uint32_t j = 0; j < ROWS; j++) {
      uint32_t sum = 0;
      for (uint32_t k = 0; k < ROWS; k++) sum += left[i][k] * right[k][j];
      product[i][j] = sum;
    }
  uint32_t checksum = CHECKSUM_START;
  for (uint32_t i = 0; i < ROWS; i++) checksum = checksum_add(checksum, product[i][ROWS - 1 - i]);
  return checksum;
}

/*
 * ---- compress: LZ77 (Ziv and Lempel, 1977) with a hash of the last place of each three bytes; then expanded again.
 * A literal is 0 and the byte; a match is its length and the distance in two bytes. ----
 */
#define MATCH_SHORTEST 4
#define MATCH_LONGEST 255
static uint8_t packed[sizeof data * 2 + 16];
static uint8_t expanded[sizeof data];
static uint16_t last_place[1024];

static uint32_t hash3(const uint8_t *bytes) {
  return ((uint32_t)bytes[0] << 16 ^ (uint32_t)bytes[1] << 8 ^ bytes[2]) * 2654435761u >> 22;
}

static uint32_t compress(const uint8_t *bytes, uint32_t length) {
  uint32_t size = 0;
  for (uint32_t i = 0; i < 1024; i++) last_place[i] = 0;
  for (uint32_t i = 0; i < length;) {
    uint32_t match = 0, distance = 0;
    if (i + MATCH_SHORTEST <= length) {
      uint16_t *place = &last_place[hash3(bytes + i)];
      uint32_t from = *place;
      *place = (uint16_t)i;
      if (from < i) {
        distance = i - from;
        while (match < MATCH_LONGEST && i + match < length && bytes[from + match] == bytes[i + match]) match++;
      }
    }
    if (match >= MATCH_SHORTEST) {
      packed[size++] = (uint8_t)match;
      packed[size++] = (uint8_t)distance;
      packed[size++] = (uint8_t)(distance >> 8);
      i += match;
    } else {
      packed[size++] = 0;
      packed[size++] = bytes[i++];
    }
  }
  return size;
}

static uint32_t expand(uint32_t size) {
  uint32_t length = 0;
  for (uint32_t i = 0; i < size;) {
    uint32_t match = packed[i];
    if (match == 0) {
      expanded[length++] = packed[i + 1];
      i += 2;
      continue;
    }
    uint32_t distance = packed[i + 1] | (uint32_t)packed[i + 2] << 8;
    for (; match > 0; match--, length++) expanded[length] = expanded[length - distance];
    i += 3;
  }
  return length;
}

static uint32_t run_compress(void) {
  uint32_t size = compress((const uint8_t *)data, sizeof data);
  if (expand(size) != sizeof data) fail("compress: another length");
  for (uint32_t i = 0; i < WORDS; i++)
    if (((const uint32_t *)expanded)[i] != data[i]) fail("compress: other bytes");
  return checksum_add(crc32(packed, size), size);
}

/* ---- hash: SHA-256 (FIPS 180-4), its constants computed as the standard defines them. ---- */
static uint32_t hash_constants[64], hash_start[8];

/* The first 32 bits of the fraction of the square or cube root of a prime, by bisection on integers. */
static uint32_t root_fraction(uint32_t prime, unsigned degree) {
  /* The largest x with (x / 2³²)^degree ≤ prime, found bit by bit; powers are kept in words of 32 bits. */
  uint64_t root = 0;
  for (int bit = 35; bit >= 0; bit--) {
    uint64_t trial = root | 1ull << bit;
    uint32_t power[5] = {1, 0, 0, 0, 0};
    for (unsigned i = 0; i < degree; i++) {
      uint32_t result[5] = {0, 0, 0, 0, 0};
      for (unsigned shift = 0; shift < 2; shift++) {
        uint32_t factor = (uint32_t)(trial >> (32 * shift));
        uint64_t carry = 0;
        for (unsigned word = 0; word + shift < 5; word++) {
          carry += (uint64_t)power[word] * factor + result[word + shift];
          result[word + shift] = (uint32_t)carry;
          carry >>= 32;
        }
      }
      for (unsigned word = 0; word < 5; word++) power[word] = result[word];
    }
    bool is_above = degree == 2 ? power[3] > 0 || power[2] >= prime : power[4] > 0 || power[3] >= prime;
    if (!is_above) root = trial;
  }
  return (uint32_t)root;
}

static void hash_prepare(void) {
  uint32_t found = 0;
  for (uint32_t candidate = 2; found < 64; candidate++) {
    bool is_prime = true;
    for (uint32_t divisor = 2; divisor * divisor <= candidate; divisor++)
      if (candidate % divisor == 0) is_prime = false;
    if (!is_prime) continue;
    if (found < 8) hash_start[found] = root_fraction(candidate, 2);
    hash_constants[found++] = root_fraction(candidate, 3);
  }
}

static uint32_t rotate_right(uint32_t value, unsigned by) { return value >> by | value << (32 - by); }

/* Hashes one block of 16 words into the state. */
static void hash_block(uint32_t state[8], const uint32_t block[16]) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) w[i] = __builtin_bswap32(block[i]);
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = rotate_right(w[i - 15], 7) ^ rotate_right(w[i - 15], 18) ^ w[i - 15] >> 3;
    uint32_t s1 = rotate_right(w[i - 2], 17) ^ rotate_right(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
  uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = rotate_right(e, 6) ^ rotate_right(e, 11) ^ rotate_right(e, 25);
    uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + hash_constants[i] + w[i];
    uint32_t s0 = rotate_right(a, 2) ^ rotate_right(a, 13) ^ rotate_right(a, 22);
    uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  state[0] += a, state[1] += b, state[2] += c, state[3] += d;
  state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The standard's own example: the digest of "abc" begins ba7816bf. */
static void hash_check(void) {
  static const uint8_t message[64] = {'a', 'b', 'c', 0x80, [63] = 24};
  uint32_t state[8], block[16];
  for (int i = 0; i < 8; i++) state[i] = hash_start[i];
  for (int i = 0; i < 16; i++) {
    const uint8_t *bytes = message + 4 * i;
    block[i] = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
  }
  hash_block(state, block);
  if (state[0] != 0xba7816bf || state[7] != 0xf20015ad) fail("hash: not the digest of abc");
}

static uint32_t run_hash(void) {
  uint32_t state[8];
  for (int i = 0; i < 8; i++) state[i] = hash_start[i];
  for (uint32_t block = 0; block < WORDS / 2; block += 16) hash_block(state, data + block);
  return state[0] ^ state[7];
}

static uint32_t (*const parts[])(void) = {run_crc, run_sort, run_matrix, run_compress, run_hash};
#define PARTS (sizeof parts / sizeof parts[0])

uint32_t program(void) {
  crc_prepare();
  data_prepare();
  hash_prepare();
  if (crc32((const uint8_t *)"123456789", 9) != 0xcbf43926) fail("crc: not the check value");
  hash_check();
  paging_start();
  uint32_t rounds = n.value, selected = part.value;
  uint32_t first = selected == 0 ? 0 : selected - 1;
  uint32_t last = selected == 0 ? PARTS : selected;
  uint32_t checksum = CHECKSUM_START;
  roi_begin();
  for (uint32_t i = first; i < last; i++) {
    roi_phase(PHASE_FIRST + i);
    for (uint32_t round = 0; round < rounds; round++) checksum = checksum_add(checksum, parts[i]());
  }
  roi_end();
  return checksum;
}
