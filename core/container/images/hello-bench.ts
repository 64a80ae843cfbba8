/**
 * The images of HelloBench (Harter et al., FAST 2016): 57 of Docker Hub's official ones, and what each of them has to do until its
 * benchmark says "hello": nothing but to print it, to interpret or compile a line that does, or to start a server and wait for its
 * message. Images and tasks are those of the benchmark's source (github.com/Tintri/hello-bench, hello.py, commit cd48ba3).
 *
 * Sizes are those of late 2015, when Docker Hub's tags were listed with them (docker-library/docs, <image>/tag-details.md); where
 * a file of that list was not at hand, the size is assumed from the base image and from what it installs. Of the works none is
 * published by itself, but only their mean and median together with everything else that a start does. The median run is that of an image
 * that compiles: that work is fitted to it, the others are assumed.
 */
import type { Constant } from "../../events/profile.js";
import { assumed, fitted, NONE, published } from "../../events/profiles/constants.js";
import { SECOND } from "../../host/time.js";

/** What a program has to do of its own until the benchmark is done with it, processor time in ns. */
export const HELLO_BENCH_TASKS = {
  hello: NONE,
  line: assumed(0.05 * SECOND, "an interpreter's or a small server's start", [0.02 * SECOND, 0.3 * SECOND]),
  compile: fitted(
    0.6 * SECOND,
    "fitted to slacker16-run-med: 0.97 s, less 0.46 that every start takes, to within a tenth of a second: a small program compiled and run, or a large interpreter's start",
    [0.2 * SECOND, 2 * SECOND],
  ),
  server: assumed(4 * SECOND, "a server on a virtual machine of its own: Java, Erlang, Node, Ruby", [
    1 * SECOND,
    12 * SECOND,
  ]),
  database: assumed(5 * SECOND, "making a database's files, a first start, and a second", [
    2 * SECOND,
    20 * SECOND,
  ]),
  suite: assumed(20 * SECOND, "an application server or a build tool that unpacks and loads its parts", [
    5 * SECOND,
    60 * SECOND,
  ]),
} as const satisfies Readonly<Record<string, Constant>>;

export interface BenchedImage {
  readonly name: string;
  /** Unpacked, bytes. */
  readonly size: Constant;
  readonly work: Constant;
}

const MEGABYTE = 1e6;
const UNLISTED_RANGE = [0.6, 1.6] as const;

const listed = (megabytes: number): Constant =>
  published(megabytes * MEGABYTE, "docker-library/docs, tag-details.md of late 2015");
const about = (megabytes: number): Constant => {
  const [least, most] = UNLISTED_RANGE;
  const range = [least * megabytes * MEGABYTE, most * megabytes * MEGABYTE] as const;
  return assumed(megabytes * MEGABYTE, "its base image and what it installs", range);
};

type Entry = readonly [name: string, size: Constant];

/** By what they do, in the order of hello.py. */
const IMAGES: Readonly<Record<keyof typeof HELLO_BENCH_TASKS, readonly Entry[]>> = {
  hello: [
    ["alpine", about(5)],
    ["busybox", about(1)],
    ["crux", about(340)],
    ["cirros", about(8)],
    ["debian", about(125)],
    ["ubuntu", listed(120)],
    ["ubuntu-upstart", about(230)],
    ["ubuntu-debootstrap", about(90)],
    ["centos", about(197)],
    ["fedora", about(205)],
    ["opensuse", about(115)],
    ["oraclelinux", about(200)],
    ["mageia", about(190)],
    ["hello-world", about(0.001)],
  ],
  line: [
    ["redis", about(110)],
    ["php", about(450)],
    ["ruby", listed(723)],
    ["perl", about(670)],
    ["pypy", about(730)],
    ["python", listed(661)],
    ["hylang", about(740)],
    ["thrift", about(380)],
    ["drupal", about(480)],
    ["httpd", about(180)],
    ["nginx", about(133)],
    ["node", about(640)],
    ["iojs", about(640)],
  ],
  compile: [
    ["rethinkdb", about(180)],
    ["julia", listed(382)],
    ["rakudo-star", about(730)],
    ["golang", listed(563)],
    ["haskell", about(900)],
    ["java", about(640)],
    ["mono", about(670)],
    ["r-base", about(870)],
    ["gcc", about(1200)],
    ["registry", about(420)],
    ["django", about(730)],
  ],
  server: [
    ["crate", about(420)],
    ["elasticsearch", about(515)],
    ["jruby", about(475)],
    ["ghost", about(360)],
    ["rabbitmq", about(180)],
    ["jetty", about(370)],
    ["tomcat", about(350)],
    ["rails", listed(834)],
  ],
  database: [
    ["mysql", listed(256)],
    ["percona", about(260)],
    ["mariadb", about(260)],
    ["postgres", about(265)],
    ["mongo", listed(239)],
  ],
  suite: [
    ["cassandra", listed(357)],
    ["clojure", about(620)],
    ["jenkins", listed(708)],
    ["sonarqube", about(780)],
    ["glassfish", listed(774)],
    ["php-zendserver", about(620)],
  ],
};

export const HELLO_BENCH: readonly BenchedImage[] = Object.entries(IMAGES).flatMap(([task, images]) =>
  images.map(([name, size]) => ({
    name,
    size,
    work: HELLO_BENCH_TASKS[task as keyof typeof HELLO_BENCH_TASKS],
  })),
);
