/**
 * The time, calendar and alarm bytes of the MC146818 (Motorola, "MC146818 real-time clock plus RAM"): in
 * binary or BCD, 24 or 12 hours. The bytes are the state: a guest may write any, and they are interpreted only when
 * time goes on. Every fourth year is a leap year. The daylight-saving bit (DSE) changes nothing here.
 */

/** Addresses of the bytes. */
export const TIME = {
  seconds: 0,
  secondsAlarm: 1,
  minutes: 2,
  minutesAlarm: 3,
  hours: 4,
  hoursAlarm: 5,
  weekday: 6,
  day: 7,
  month: 8,
  year: 9,
} as const;
/** One past the last byte that an update may change. */
export const TIME_BYTES = 10;

/** Bits of register B that say how the bytes are read. */
export const FORMAT_BINARY = 0x04;
export const FORMAT_24_HOURS = 0x02;

const PM = 0x80;
/** Both upper bits set: an alarm byte that matches everything. */
const DONT_CARE = 0xc0;

const DAY_SECONDS = 86_400;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Puts a time into the bytes. @param epochSeconds seconds since 1970-01-01 00:00:00 UTC; the years 1970 to 2099. */
export function setTime(bytes: Uint8Array, epochSeconds: number, format: number): void {
  const date = new Date(epochSeconds * 1000);
  store(bytes, format, {
    second: date.getUTCSeconds(),
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    weekday: date.getUTCDay(),
    day: date.getUTCDate() - 1,
    month: date.getUTCMonth(),
    year: date.getUTCFullYear() % 100,
  });
}

/** Lets `seconds` update cycles pass. */
export function addSeconds(bytes: Uint8Array, format: number, seconds: number): void {
  if (seconds === 0) return;
  const time = fetch(bytes, format);
  const total = (time.hour * 60 + time.minute) * 60 + time.second + seconds;
  const days = Math.floor(total / DAY_SECONDS);
  time.second = total % 60;
  time.minute = Math.floor(total / 60) % 60;
  time.hour = Math.floor(total / 3600) % 24;
  time.weekday = (time.weekday + days) % 7;
  time.day += days;
  while (time.day >= daysOf(time)) {
    time.day -= daysOf(time);
    time.month = (time.month + 1) % 12;
    if (time.month === 0) time.year = (time.year + 1) % 100;
  }
  store(bytes, format, time);
}

/**
 * Update cycles until the time next equals the alarm: 1 to 86,400, or Infinity for an alarm that no time equals.
 * An alarm byte with both upper bits set matches any value.
 */
export function secondsToAlarm(bytes: Uint8Array, format: number): number {
  const { hour, minute, second } = fetch(bytes, format);
  const hours = matching(bytes[TIME.hoursAlarm]!, 24, (value) => encodeHour(value, format));
  const minutes = matching(bytes[TIME.minutesAlarm]!, 60, (value) => encode(value, format));
  const seconds = matching(bytes[TIME.secondsAlarm]!, 60, (value) => encode(value, format));
  if (seconds.length === 0) return Number.POSITIVE_INFINITY;
  for (let hoursAhead = 0; hoursAhead <= 24; hoursAhead++) {
    if (!hours.includes((hour + hoursAhead) % 24)) continue;
    for (const m of minutes) {
      if (hoursAhead === 0 && m < minute) continue;
      const isNow = hoursAhead === 0 && m === minute;
      const next = isNow ? seconds.find((s) => s > second) : seconds[0];
      if (next !== undefined) return (hoursAhead * 60 + m - minute) * 60 + next - second;
    }
  }
  return Number.POSITIVE_INFINITY;
}

/** Numbers as they count: days and months from 0, weekday 0 is Sunday. */
interface Time {
  second: number;
  minute: number;
  hour: number;
  weekday: number;
  day: number;
  month: number;
  year: number;
}

/** What the bytes say; values out of range wrap around. */
function fetch(bytes: Uint8Array, format: number): Time {
  const year = decode(bytes[TIME.year]!, format) % 100;
  const month = (decode(bytes[TIME.month]!, format) + 11) % 12;
  const time: Time = {
    second: decode(bytes[TIME.seconds]!, format) % 60,
    minute: decode(bytes[TIME.minutes]!, format) % 60,
    hour: decodeHour(bytes[TIME.hours]!, format),
    weekday: (decode(bytes[TIME.weekday]!, format) + 6) % 7,
    day: 0,
    month,
    year,
  };
  time.day = Math.max(0, decode(bytes[TIME.day]!, format) - 1) % daysOf(time);
  return time;
}

function store(bytes: Uint8Array, format: number, time: Time): void {
  bytes[TIME.seconds] = encode(time.second, format);
  bytes[TIME.minutes] = encode(time.minute, format);
  bytes[TIME.hours] = encodeHour(time.hour, format);
  bytes[TIME.weekday] = encode(time.weekday + 1, format);
  bytes[TIME.day] = encode(time.day + 1, format);
  bytes[TIME.month] = encode(time.month + 1, format);
  bytes[TIME.year] = encode(time.year, format);
}

function daysOf({ month, year }: Time): number {
  return MONTH_DAYS[month]! + (month === 1 && year % 4 === 0 ? 1 : 0);
}

const decode = (byte: number, format: number): number =>
  format & FORMAT_BINARY ? byte : (byte >> 4) * 10 + (byte & 15);

const encode = (value: number, format: number): number =>
  format & FORMAT_BINARY ? value : (Math.floor(value / 10) << 4) | (value % 10);

function decodeHour(byte: number, format: number): number {
  if (format & FORMAT_24_HOURS) return decode(byte, format) % 24;
  return (decode(byte & ~PM, format) % 12) + (byte & PM ? 12 : 0);
}

function encodeHour(hour: number, format: number): number {
  if (format & FORMAT_24_HOURS) return encode(hour, format);
  return encode(hour % 12 === 0 ? 12 : hour % 12, format) | (hour >= 12 ? PM : 0);
}

/** Values below `count` whose byte an alarm byte matches, in order. */
function matching(alarm: number, count: number, encoded: (value: number) => number): number[] {
  const all = Array.from({ length: count }, (_, value) => value);
  return alarm >= DONT_CARE ? all : all.filter((value) => encoded(value) === alarm);
}
