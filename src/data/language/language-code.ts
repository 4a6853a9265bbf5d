/**
 * @file Language codes as data sets write them (`en`, `en-GB`, `eng`, `eng_Latn`, `zh-Hant`) to ISO 639-3 and
 * ISO 15924. Two-letter codes of macrolanguages go to the language that is usually meant (`zh` → `cmn`).
 */

const TWO_LETTERS =
  "aaaar ababk aeave afafr akaka amamh anarg ararb asasm avava ayaym azazj babak bebel bgbul bibis bmbam bnben bobod " +
  "brbre bsbos cacat ceche chcha cocos crcre csces cuchu cvchv cycym dadan dedeu dvdiv dzdzo eeewe elell eneng eoepo " +
  "esspa etest eueus fapes fffuc fifin fjfij fofao frfra fyfry gagle gdgla glglg gngug guguj gvglv hahau heheb hihin " +
  "hohmo hrhrv hthat huhun hyhye hzher iaina idind ieile igibo iiiii ikipk ioido isisl itita iuike jajpn jvjav kakat " +
  "kgkng kikik kjkua kkkaz klkal kmkhm knkan kokor krkau kskas kukmr kvkpv kwcor kykir lalat lbltz lglug lilim lnlin " +
  "lolao ltlit lulub lvlav mgplt mhmah mimri mkmkd mlmal mnkhk mrmar mszlm mtmlt mymya nanau nbnob ndnde nenep ngndo " +
  "nlnld nnnno nonob nrnbl nvnav nynya ococi ojojb omgaz oroor ososs papan pipli plpol pspbu ptpor ququy rmroh rnrun " +
  "roron rurus rwkin sasan scsrd sdsnd sesme sgsag sisin skslk slslv smsmo snsna sosom sqals srsrp ssssw stsot susun " +
  "svswe swswh tatam tetel tgtgk ththa titir tktuk tltgl tntsn toton trtur tstso tttat twtwi tytah uguig ukukr ururd " +
  "uzuzn veven vivie vovol wawln wowol xhxho yiydd yoyor zazha zhcmn zuzul";

const TO_THREE = new Map(TWO_LETTERS.split(" ").map((pair) => [pair.slice(0, 2), pair.slice(2)]));

export interface LanguageCode {
  /** ISO 639-3. */
  readonly language: string;
  /** ISO 15924. */
  readonly script?: string;
}

/** Reads a language code; `undefined` for what is none (or is `und`). */
export function parseLanguageCode(code: string): LanguageCode | undefined {
  const [first, ...rest] = code.trim().split(/[-_]/);
  const primary = first!.toLowerCase();
  const language = /^[a-z]{2}$/.test(primary) ? TO_THREE.get(primary) : primary;
  if (language === undefined || !/^[a-z]{3}$/.test(language) || language === "und") return undefined;
  const script = rest.find((part) => /^[A-Za-z]{4}$/.test(part));
  if (script === undefined) return { language };
  return { language, script: script[0]!.toUpperCase() + script.slice(1).toLowerCase() };
}
