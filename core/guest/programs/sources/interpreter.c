/*
 * A C program of the everyday kind: the interpreter of a little language, which it compiles from text to the code of a
 * stack machine and runs. Pointers, structures, recursion, a big switch, calls through the stack.
 *
 *   block      { statement }
 *   statement  name = sum ; | name [ sum ] = sum ; | while sum block | if sum block [ else block ] | mix sum ;
 *   sum        comparison of additions of products of factors: < > = ! + - * / % ( ) name name[sum] number
 */
#include "../runtime/runtime.h"

const char program_name[] = "interpreter";

/* The bound of what the text below counts; work grows with n. */
PARAMETER(n, 500, "");

/* How many primes are below n; the longest Collatz sequence from below n; sums of greatest common divisors. */
static const char text[] =
    "{ i = 2; while i < n { s[i] = 1; i = i + 1; }"
    "  i = 2; primes = 0;"
    "  while i < n {"
    "    if s[i] { primes = primes + 1; j = i + i; while j < n { s[j] = 0; j = j + i; } }"
    "    i = i + 1; }"
    "  mix primes;"
    "  start = 1; longest = 0;"
    "  while start < n {"
    "    x = start; steps = 0;"
    "    while x ! 1 { if x % 2 { x = 3 * x + 1; } else { x = x / 2; } steps = steps + 1; }"
    "    if steps > longest { longest = steps; best = start; }"
    "    start = start + 1; }"
    "  mix longest; mix best;"
    "  a = 1; sum = 0;"
    "  while a < n {"
    "    x = a; y = n; while y { t = x % y; x = y; y = t; }"
    "    sum = sum + x * (a - 1); a = a + 1; }"
    "  mix sum; }";

/* ---- The stack machine. ---- */
enum operation {
  PUSH, LOAD, STORE, LOAD_ELEMENT, STORE_ELEMENT, ADD, SUBTRACT, MULTIPLY, DIVIDE, REMAINDER,
  LESS, GREATER, EQUAL, UNEQUAL, JUMP, JUMP_IF_ZERO, MIX, STOP
};
struct instruction {
  enum operation operation;
  uint32_t operand;
};

#define CODE_MOST 512
#define NAMES_MOST 32
#define STACK_MOST 32
static struct instruction code[CODE_MOST];
static uint32_t code_length;
static uint32_t variables[NAMES_MOST];
static uint32_t *elements;
static uint32_t elements_length;

/* ---- The compiler: one pass, by recursive descent. ---- */
struct name {
  const char *first;
  uint32_t length;
};
static struct name names[NAMES_MOST];
static uint32_t names_length;
static const char *at = text;

static uint32_t emit(enum operation operation, uint32_t operand) {
  if (code_length == CODE_MOST) fail("the text is too long");
  code[code_length] = (struct instruction){operation, operand};
  return code_length++;
}

static char peek(void) {
  while (*at == ' ') at++;
  return *at;
}

static bool accept(char c) {
  if (peek() != c) return false;
  at++;
  return true;
}

static void expect(char c) {
  if (!accept(c)) fail("a mistake in the text");
}

static bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static struct name read_name(void) {
  struct name name = {at, 0};
  for (peek(), name.first = at; is_letter(*at); at++) name.length++;
  return name;
}

static bool is_word(struct name name, const char *word) {
  uint32_t i = 0;
  while (i < name.length && word[i] == name.first[i]) i++;
  return i == name.length && word[i] == 0;
}

static uint32_t variable(struct name name) {
  for (uint32_t i = 0; i < names_length; i++) {
    uint32_t same = 0;
    if (names[i].length != name.length) continue;
    while (same < name.length && names[i].first[same] == name.first[same]) same++;
    if (same == name.length) return i;
  }
  if (names_length == NAMES_MOST) fail("too many names in the text");
  names[names_length] = name;
  return names_length++;
}

static void sum(void);

static void factor(void) {
  char c = peek();
  if (accept('(')) {
    sum();
    expect(')');
  } else if (is_digit(c)) {
    uint32_t number = 0;
    for (; is_digit(*at); at++) number = number * 10 + (uint32_t)(*at - '0');
    emit(PUSH, number);
  } else if (is_letter(c)) {
    struct name name = read_name();
    if (accept('[')) {
      sum();
      expect(']');
      emit(LOAD_ELEMENT, 0);
    } else {
      emit(LOAD, variable(name));
    }
  } else {
    fail("a mistake in the text");
  }
}

static void product(void) {
  factor();
  for (;;) {
    if (accept('*')) factor(), emit(MULTIPLY, 0);
    else if (accept('/')) factor(), emit(DIVIDE, 0);
    else if (accept('%')) factor(), emit(REMAINDER, 0);
    else return;
  }
}

static void addition(void) {
  product();
  for (;;) {
    if (accept('+')) product(), emit(ADD, 0);
    else if (accept('-')) product(), emit(SUBTRACT, 0);
    else return;
  }
}

static void sum(void) {
  addition();
  if (accept('<')) addition(), emit(LESS, 0);
  else if (accept('>')) addition(), emit(GREATER, 0);
  else if (accept('=')) addition(), emit(EQUAL, 0);
  else if (accept('!')) addition(), emit(UNEQUAL, 0);
}

static void block(void);

static void statement(void) {
  struct name name = read_name();
  if (is_word(name, "while")) {
    uint32_t again = code_length;
    sum();
    uint32_t out = emit(JUMP_IF_ZERO, 0);
    block();
    emit(JUMP, again);
    code[out].operand = code_length;
  } else if (is_word(name, "if")) {
    sum();
    uint32_t otherwise = emit(JUMP_IF_ZERO, 0);
    block();
    const char *before = at;
    if (is_letter(peek()) && is_word(read_name(), "else")) {
      uint32_t out = emit(JUMP, 0);
      code[otherwise].operand = code_length;
      block();
      code[out].operand = code_length;
    } else {
      at = before;
      code[otherwise].operand = code_length;
    }
  } else if (is_word(name, "mix")) {
    sum();
    expect(';');
    emit(MIX, 0);
  } else if (accept('[')) {
    sum();
    expect(']');
    expect('=');
    sum();
    expect(';');
    emit(STORE_ELEMENT, 0);
  } else {
    expect('=');
    sum();
    expect(';');
    emit(STORE, variable(name));
  }
}

static void block(void) {
  expect('{');
  while (!accept('}')) statement();
}

/* ---- Running. ---- */
static uint32_t element(uint32_t index) {
  if (index >= elements_length) fail("an index is out of bounds");
  return index;
}

static uint32_t run(void) {
  uint32_t stack[STACK_MOST];
  uint32_t *top = stack; /* the first free place */
  uint32_t checksum = CHECKSUM_START;
  for (const struct instruction *next = code;;) {
    struct instruction now = *next++;
    switch (now.operation) {
      case PUSH: *top++ = now.operand; break;
      case LOAD: *top++ = variables[now.operand]; break;
      case STORE: variables[now.operand] = *--top; break;
      case LOAD_ELEMENT: top[-1] = elements[element(top[-1])]; break;
      case STORE_ELEMENT: top -= 2, elements[element(top[0])] = top[1]; break;
      case ADD: top--, top[-1] += top[0]; break;
      case SUBTRACT: top--, top[-1] -= top[0]; break;
      case MULTIPLY: top--, top[-1] *= top[0]; break;
      case DIVIDE: top--, top[-1] /= top[0]; break;
      case REMAINDER: top--, top[-1] %= top[0]; break;
      case LESS: top--, top[-1] = top[-1] < top[0]; break;
      case GREATER: top--, top[-1] = top[-1] > top[0]; break;
      case EQUAL: top--, top[-1] = top[-1] == top[0]; break;
      case UNEQUAL: top--, top[-1] = top[-1] != top[0]; break;
      case JUMP: next = code + now.operand; break;
      case JUMP_IF_ZERO:
        if (*--top == 0) next = code + now.operand;
        break;
      case MIX: checksum = checksum_add(checksum, *--top); break;
      case STOP: return checksum;
    }
  }
}

static uint32_t value_of(const char *word) {
  for (uint32_t i = 0; i < names_length; i++)
    if (is_word(names[i], word)) return variables[i];
  return 0;
}

/* Primes below n by trial division, to compare with. */
static uint32_t count_primes(uint32_t bound) {
  uint32_t found = 0;
  for (uint32_t candidate = 2; candidate < bound; candidate++) {
    uint32_t divisor = 2;
    while (divisor * divisor <= candidate && candidate % divisor != 0) divisor++;
    found += divisor * divisor > candidate;
  }
  return found;
}

uint32_t program(void) {
  uint32_t bound = n.value;
  if (bound < 3 || bound > 100000) fail("n is not from 3 to 100000");
  elements_length = bound;
  elements = allocate(elements_length * sizeof *elements, 4096);
  paging_start();
  roi_begin();
  struct name name_of_n = {"n", 1};
  variables[variable(name_of_n)] = bound;
  block();
  emit(STOP, 0);
  uint32_t checksum = run();
  roi_end();
  if (value_of("primes") != count_primes(bound)) fail("another number of primes");
  return checksum;
}
