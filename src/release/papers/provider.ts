/**
 * @file What only people can say about a release: who provides it, for what, and answers that no ledger holds. A
 * recipe carries it or `firn provider` asks for it; what both leave out is printed as a gap.
 */
import { z } from "zod";

const sentence = z.string().min(1).max(5000);
const month = z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, "YYYY-MM");

/** What the training ran on, where the provider knows it: for the hardware method and for energy. */
const hardware = z.strictObject({
  /** E.g. `NVIDIA GH200`. */
  device: sentence,
  units: z.int().min(1).max(10_000_000),
  /** Wall-clock hours of the training runs together. */
  hours: z.number().positive().max(1e6).optional(),
  /** Peak operations per second of one unit in the precision used. */
  peakFlops: z.number().positive().max(1e18).optional(),
  /** Average share of the peak that training reached. */
  utilisation: z.number().positive().max(1).optional(),
  /** Average draw of one unit. */
  watts: z.number().positive().max(1e6).optional(),
  /** Energy read from meters, compute devices only. */
  measuredKilowattHours: z.number().positive().max(1e12).optional(),
  /** Power usage effectiveness of the site. */
  pue: z.number().min(1).max(5).optional(),
  gridGramsPerKilowattHour: z.number().min(0).max(5000).optional(),
});

export const providerProfileSchema = z.strictObject({
  /** Legal name. */
  name: sentence,
  /** E-mail or page where the provider is reached. */
  contact: sentence.optional(),
  /** Postal address. */
  address: sentence.optional(),
  /** Established in the Union; a provider outside it needs a representative, or says why not. */
  inUnion: z.boolean().optional(),
  /** Authorised representative in the Union, for providers outside it; or why none is needed. */
  representative: sentence.optional(),
  /** A small or medium-sized enterprise or a start-up: the shorter list of domain names. */
  sme: z.boolean().optional(),
  /** Where the papers are published, for "authoritative version". */
  website: z.url().optional(),
  /** Where changes of the papers are announced. */
  updates: z.url().optional(),
  /** Earlier versions of the papers and what changed; or that there are none. */
  previousVersions: sentence.optional(),
  /** Day the model was placed on the Union market. */
  placementDate: z.iso.date().optional(),
  /** Models this one was made from, with their summaries. */
  dependencies: sentence.optional(),
  /** Where the model can be had, and how open it is there. */
  distribution: sentence.optional(),
  /** Signatory of the Code of Practice for general-purpose AI models. */
  codeOfPractice: z.boolean().optional(),
  /** Categories of content, in the words of the template: "press publications", "source code". */
  contentTypes: z.array(sentence).min(1).max(50).optional(),
  /** Whether the released weights go on learning from data after the latest date of collection. */
  continuousTraining: z.boolean().optional(),
  /** National, regional or demographic characteristics of the data. */
  demographics: sentence.optional(),
  /** Measures to respect reservations of rights before and during collection. */
  rightsReservations: sentence.optional(),
  /** Who in the organisation answers for the copyright policy. */
  copyrightResponsible: sentence.optional(),
  /** Where rights holders complain, and how they are answered. */
  complaints: sentence.optional(),
  /** Measures against illegal content; selection for quality does not count. */
  illegalContent: sentence.optional(),
  /** Measures to detect identifiable biases. */
  biasMeasures: sentence.optional(),
  /** Why the key choices of design and training were made. */
  rationale: sentence.optional(),
  /** Answers about data that never passed through the pipeline. */
  userInteractions: z.boolean().optional(),
  otherServices: z.boolean().optional(),
  syntheticData: z.boolean().optional(),
  /** Crawlers of the provider's own. */
  crawler: z
    .strictObject({
      names: sentence,
      purposes: sentence.optional(),
      behaviour: sentence,
      from: month,
      to: month,
      content: sentence.optional(),
    })
    .optional(),
  /** What the model is for, and what it is not for. */
  intendedUse: sentence.optional(),
  outOfScopeUse: sentence.optional(),
  limitations: sentence.optional(),
  /** Uses the provider forbids; the law itself needs no repeating. */
  acceptableUse: sentence.optional(),
  /** Data besides the recorded sources: people's annotations, own conversations and the like. */
  otherData: sentence.optional(),
  hardware: hardware.optional(),
});
/** The provider profile of a recipe. */
export type ProviderProfile = z.infer<typeof providerProfileSchema>;
