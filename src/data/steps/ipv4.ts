/**
 * @file IPv4 addresses in text, told from the version and section numbers that look the same. What stands right before and after
 * decides first; without a word, the numbers do: versions and sections are made of small numbers, and of addresses only
 * (40 / 256)⁴ = 0.06 % have no part above 39.
 */

/** Where something stands in a text: UTF-16 offsets, end exclusive. */
interface Span {
  readonly start: number;
  readonly end: number;
}

const IPV4 =
  /(?<![\p{L}\p{N}_.])(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}(?![\p{L}\p{N}_]|\.\d)/gu;

/** What stands before a number with dots that is a version or a place in a document. */
const VERSION_BEFORE =
  /(?:\b(?:v|ver|vers|version|versions|versión|versione|versie|версия|версии|release|rel|rev|revision|build|firmware|patch|update|upgrade|section|sec|chapter|clause|article|paragraph|paragraf|absatz|annex|anhang|figure|fig|table|tabelle|oid|kapitel|abschnitt|ziffer|chapitre|sección|punto|point)\b\.?:?|版本|第|§|[<>]=?\s?(?:\d+:)?|\b(?:upgrad|updat|downgrad|bump|aktualisier)\p{L}*(?: \S{1,20}){0,2} (?:to|auf)|[-/@=])\s?$/iu;
/** Programs and systems that are named with their versions. */
const PRODUCT_BEFORE =
  /(?:^|[^\p{L}\p{N}])(?:windows|macos|ios|ipados|android|linux|kernel|debian|ubuntu|fedora|bios|chrome|chromium|firefox|thunderbird|safari|opera|v8|edge|explorer|flash|player|reader|acrobat|photoshop|java|jdk|jre|python|perl|php|ruby|node|npm|openssl|openssh|gcc|glibc|libc|apache|nginx|tomcat|mysql|mariadb|postgresql|oracle|sql server|exchange server|office|word|excel|outlook|skype|teams|zoom|libreoffice|openoffice|wordpress|drupal|joomla|docker|vmware|virtualbox|directx|framework|driver|treiber|pilote|sdk|api|plugin|add-on)(?: ?[-/(]| v\.?)?\s?$/iu;
/** What says that an address comes: at its side, whatever the numbers. */
const ADDRESS_BEFORE =
  /(?:^|[^\p{L}])(?:ip|ipv4|ips|addr|address|addresses|adresse|adressen|dirección|indirizzo|endereço|adres|адрес|адреса|адресу|地址|host|hosts|server|servers|serveur|servidor|сервер|router|gateway|dns|subnet|netmask|netz|network|réseau|client|proxy|ping|ssh|telnet|listen|bind)[^\p{L}\p{N}\n]{0,4}$|:\/\/$|[\p{L}\p{N}]@$/iu;
const ADDRESS_AFTER = /^(?::\d{1,5}(?!\d)|\/\d{1,2}(?![\d.])| - - \[)/;
const VERSION_AFTER =
  /^(?:-(?:alpha|beta|rc|pre|dev|snapshot|stable|final|release|patch|[pr]?\d+(?![\d.]*\.\d))| ?\(?(?:alpha|beta|build|rc ?\d)| (?:or|and|und|oder|et|ou|o|y) (?:later|newer|above|higher|earlier|older|below|neuer|höher|älter|ultérieur|supérieur|posterior))/iu;
/** Small numbers at the start of a line, then a word: a heading, not an address. */
const HEADING_AFTER = /^\.?[ \t]+\p{Lu}/u;

const LARGEST_SMALL = 39;
/** First parts of private and local networks, and those that no numbering reaches. */
const PLAINLY_ADDRESSES = /^(?:127\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|(?:1[6-9]\d|2\d\d)\.)/;
const BEFORE_CHARACTERS = 60;
const AFTER_CHARACTERS = 24;
/** As far apart stand two versions of one thing: "from 10.2.0.1 to 10.2.0.4". */
const NEIGHBOUR_CHARACTERS = 60;

/** Whether the number is an address, by what stands around it and by itself. */
function isAddress(number: string, before: string, after: string, likeTheLast: boolean): boolean {
  if (/:\/\/$|[\p{L}\p{N}]@$/u.test(before) || ADDRESS_AFTER.test(after)) return true;
  if (VERSION_BEFORE.test(before) || VERSION_AFTER.test(after)) return false;
  if (PLAINLY_ADDRESSES.test(number)) return true;
  if (PRODUCT_BEFORE.test(before)) return false;
  if (ADDRESS_BEFORE.test(before)) return true;
  const parts = number.split(".");
  const small = parts.every((part) => Number(part) <= LARGEST_SMALL);
  if (small && /(?:^|\n)[ \t#*]*$/.test(before) && HEADING_AFTER.test(after)) return false;
  // Two versions of one thing; a date or a numbering with zeros in front.
  if (likeTheLast || parts.some((part) => /^0\d/.test(part))) return false;
  const [first] = parts;
  // 10.0.0.0/8 is everybody's private network; 8.8.8.8 is nobody's version.
  return !small || first === "10" || parts.every((part) => part === first);
}

/** The addresses in `text`, in order. */
export function findIpv4(text: string): Span[] {
  const found: Span[] = [];
  let lastVersion: { first: string; end: number } | undefined;
  for (const { 0: number, index } of text.matchAll(IPV4)) {
    const end = index + number.length;
    const before = text.slice(Math.max(0, index - BEFORE_CHARACTERS), index);
    const first = number.slice(0, number.indexOf(".") + 1);
    const near = lastVersion !== undefined && index - lastVersion.end <= NEIGHBOUR_CHARACTERS;
    const likeTheLast =
      near && lastVersion?.first === first && !text.slice(lastVersion.end, index).includes("\n");
    if (isAddress(number, before, text.slice(end, end + AFTER_CHARACTERS), likeTheLast)) {
      found.push({ start: index, end });
    } else {
      lastVersion = { first, end };
    }
  }
  return found;
}
