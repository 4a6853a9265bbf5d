/**
 * @file What only people can say about a release: who provides it, for what, and answers that no ledger holds. A
 * recipe carries it; what it leaves out is printed as a gap.
 */
import { z } from "zod";

const sentence = z.string().min(1).max(5000);

export const providerProfileSchema = z.strictObject({
  /** Legal name. */
  name: sentence,
  /** E-mail or page where the provider is reached. */
  contact: sentence.optional(),
  /** Postal address. */
  address: sentence.optional(),
  /** Authorised representative in the Union, for providers outside it; or why none is needed. */
  representative: sentence.optional(),
  /** Where the papers are published, for "authoritative version". */
  website: z.url().optional(),
  /** Day the model was placed on the Union market. */
  placementDate: z.iso.date().optional(),
  /** Signatory of the Code of Practice for general-purpose AI models. */
  codeOfPractice: z.boolean().optional(),
  /** Measures to respect reservations of rights before and during collection. */
  rightsReservations: sentence.optional(),
  /** Measures against illegal content; selection for quality does not count. */
  illegalContent: sentence.optional(),
  /** Answers about data that never passed through the pipeline. */
  userInteractions: z.boolean().optional(),
  otherServices: z.boolean().optional(),
  syntheticData: z.boolean().optional(),
  /** What the model is for, and what it is not for. */
  intendedUse: sentence.optional(),
  outOfScopeUse: sentence.optional(),
  limitations: sentence.optional(),
  /** Data besides the recorded sources: people's annotations, own conversations and the like. */
  otherData: sentence.optional(),
});
/** The provider profile of a recipe. */
export type ProviderProfile = z.infer<typeof providerProfileSchema>;
