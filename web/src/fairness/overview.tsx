/** @file The figures of each tokenizer over all languages, side by side. */
import { fairnessWords as words } from "./fairness-words.ts";
import type { TokenizerReport } from "./measures.ts";

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

interface OverviewProps {
  readonly reports: readonly TokenizerReport[];
  readonly onRemove: (report: TokenizerReport) => void;
}

export function Overview({ reports, onRemove }: OverviewProps) {
  const heads = [
    words.vocabulary,
    "Bytes/token",
    "Tokens/character",
    words.worst,
    words.gini,
    words.giniPerByte,
    words.used,
    words.roundTrip,
    words.digits,
    words.cut,
  ];
  return (
    <div class="wide">
      <table>
        <caption>{words.overview}</caption>
        <thead>
          <tr>
            <th scope="col">{words.tokenizer}</th>
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
                    aria-label={words.remove(one.name)}
                    title={words.remove(one.name)}
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
    vocabSize.toLocaleString("en"),
    report.bytesPerToken.toFixed(2),
    report.tokensPerCharacter.toFixed(2),
    `${report.sameText.worstFactor.toFixed(2)}×`,
    report.sameText.gini.toFixed(3),
    report.perByte.gini.toFixed(3),
    percent(report.vocabularyUse),
    words.of(report.languages.filter((one) => one.roundTrip).length, report.languages.length),
    report.digitsApart ? words.apart : words.together,
    percent(report.splitsCharacters),
  ];
}
