/** @file The figures of each tokenizer over all languages, side by side. */
import { fixed, integer } from "../format.ts";
import type { TokenizerReport } from "./measures.ts";
import { words } from "../words.ts";

const percent = (share: number): string => `${fixed(100 * share, 1)} %`;

interface OverviewProps {
  readonly reports: readonly TokenizerReport[];
  readonly onRemove: (report: TokenizerReport) => void;
}

export function Overview({ reports, onRemove }: OverviewProps) {
  const heads = [
    words.tokenizer.vocabulary,
    words.tokenizer.bytesPerToken,
    words.tokenizer.tokensPerCharacter,
    words.tokenizer.worst,
    words.tokenizer.gini,
    words.tokenizer.giniPerByte,
    words.tokenizer.used,
    words.tokenizer.roundTrip,
    words.tokenizer.digits,
    words.tokenizer.cut,
  ];
  return (
    <div class="wide" tabIndex={0}>
      <table>
        <caption>{words.tokenizer.overview}</caption>
        <thead>
          <tr>
            <th scope="col">{words.tokenizer.tokenizer}</th>
            {heads.map((head) => (
              <th key={head} scope="col" class="number">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {reports.map((one) => (
            <tr key={one.name}>
              <th scope="row">
                {one.name}
                {reports.length > 1 && (
                  <button
                    type="button"
                    class="remove"
                    aria-label={words.tokenizer.remove(one.name)}
                    title={words.tokenizer.remove(one.name)}
                    onClick={() => onRemove(one)}
                  >
                    ×
                  </button>
                )}
              </th>
              {cells(one).map((cell, i) => (
                <td key={heads[i]} class="number">
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cells({ vocabSize, report }: TokenizerReport): string[] {
  return [
    integer(vocabSize),
    fixed(report.bytesPerToken, 2),
    fixed(report.tokensPerCharacter, 2),
    `${fixed(report.sameText.worstFactor, 2)}×`,
    fixed(report.sameText.gini, 3),
    fixed(report.perByte.gini, 3),
    percent(report.vocabularyUse),
    words.tokenizer.of(report.languages.filter((one) => one.roundTrip).length, report.languages.length),
    report.digitsApart ? words.tokenizer.apart : words.tokenizer.together,
    percent(report.splitsCharacters),
  ];
}
