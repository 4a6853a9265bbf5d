/**
 * @file The labels of the Commission's template (C(2025) 8311 final) in their order, by section, and who can answer
 * each: the recorded facts, or only a person.
 */

/** Sections of the AIAL score sheet. */
export type SheetSection =
  | "S1 Document"
  | "S2 General information"
  | "S3 Public datasets"
  | "S4 Private datasets"
  | "S5 Scraped or crawled data"
  | "S6 User data"
  | "S7 Synthetic and other data"
  | "S8 Data processing";

export interface TemplateLabel {
  readonly sheet: SheetSection;
  /** Start of the heading it stands under. */
  readonly heading: string;
  readonly label: string;
  readonly by: "facts" | "person";
}

type Group = readonly [SheetSection, string, readonly (readonly [string, "facts" | "person"])[]];

const COMMENTS = "Additional comments (optional):";
const MODALITIES = "If yes, specify the modality(ies) of the content covered by the datasets concerned:";

const GROUPS: readonly Group[] = [
  [
    "S1 Document",
    "Version",
    [
      ["Version of the Summary:", "person"],
      ["Last update:", "facts"],
    ],
  ],
  [
    "S2 General information",
    "1.1.",
    [
      ["Provider name and contact details:", "person"],
      ["Authorised representative name and contact details:", "person"],
    ],
  ],
  [
    "S2 General information",
    "1.2.",
    [
      ["Versioned model name(s):", "facts"],
      ["Model dependencies:", "facts"],
      ["Date of placement of the model on the Union market:", "person"],
    ],
  ],
  [
    "S2 General information",
    "1.3",
    [
      ["Modality:", "facts"],
      ["Training data size:", "facts"],
      ["Types of content:", "person"],
      ["Latest date of data acquisition/collection for model training:", "facts"],
      ["Description of the linguistic characteristics of the overall training data:", "facts"],
      ["Other relevant characteristics of the overall training data:", "person"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S3 Public datasets",
    "2.1.",
    [
      ["Have you used publicly available datasets to train the model?", "facts"],
      [MODALITIES, "facts"],
      ["List of large publicly available datasets:", "facts"],
      ["General description of other publicly available datasets not listed above:", "facts"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S4 Private datasets",
    "2.2.1.",
    [
      [
        "Have you concluded transactional commercial licensing agreement(s) with rightsholder(s) or with their representatives?",
        "facts",
      ],
      [MODALITIES, "facts"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S4 Private datasets",
    "2.2.2.",
    [
      [
        "Have you obtained private datasets from third parties that are not licensed as described in Section 2.2.1, such as data obtained from providers of private databases, or data intermediaries?",
        "facts",
      ],
      [MODALITIES, "facts"],
      ["If publicly known, list private datasets obtained from other third parties:", "facts"],
      ["General description of non-publicly known private datasets obtained from third parties:", "facts"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S5 Scraped or crawled data",
    "2.3",
    [
      ["Were crawlers used by the provider or on behalf of?", "facts"],
      ["If yes, specify crawler name(s)/identifier(s):", "facts"],
      ["Purposes of the crawler(s):", "facts"],
      ["General description of crawler behaviour:", "facts"],
      ["Period of data collection:", "facts"],
      ["Comprehensive description of the type of content and online sources crawled:", "facts"],
      ["Type of modality covered:", "facts"],
      ["Summary of the most relevant domain names crawled:", "facts"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S6 User data",
    "2.4",
    [
      [
        "Was data from user interactions with the AI model (e.g. user input and prompts) used to train the model?",
        "facts",
      ],
      [
        "Was data collected from user interactions with the provider’s other services or products used to train the model?",
        "facts",
      ],
      [
        "If yes, provide a general description of the provider’s services or products that were used to collect the user data:",
        "facts",
      ],
      [MODALITIES, "facts"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S7 Synthetic and other data",
    "2.5",
    [
      [
        "Was synthetic AI-generated data created by the provider or on their behalf to train the model?",
        "facts",
      ],
      ["If yes, modality of the synthetic data:", "facts"],
      [
        "If yes, specify the general-purpose AI model(s) used to generate the synthetic data if available on the market:",
        "facts",
      ],
      [
        "Information about other AI models, including provider’s own AI model(s) not available on the market, used to generate synthetic data to train the model to which this Summary applies:",
        "facts",
      ],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S7 Synthetic and other data",
    "2.6",
    [
      [
        "Have data sources other than those described in Sections 2.1 to 2.5 been used to train the model?",
        "facts",
      ],
      ["If yes, provide a narrative description of these data sources and the data:", "facts"],
      [COMMENTS, "facts"],
    ],
  ],
  [
    "S8 Data processing",
    "3.1.",
    [
      [
        "Are you a Signatory to the Code of Practice for general-purpose AI models that includes commitments to respect reservations of rights from the TDM exception or limitation?",
        "person",
      ],
      [
        "Describe the measures implemented before model training to respect reservations of rights from the TDM exception or limitation before and during data collection, including the opt-out protocols and solutions honoured by the provider or, as applicable, by third parties from which datasets have been obtained:",
        "person",
      ],
      [COMMENTS, "facts"],
    ],
  ],
  ["S8 Data processing", "3.2.", [["General description of measures taken:", "person"]]],
  ["S8 Data processing", "3.3.", [["Other relevant information about data processing (optional):", "facts"]]],
];

/** Every label of the template, in order. */
export const TEMPLATE_LABELS: readonly TemplateLabel[] = GROUPS.flatMap(([sheet, heading, labels]) =>
  labels.map(([label, by]) => ({ sheet, heading, label, by })),
);
