/** @file What an empty conversation shows: who is there, and a few things worth saying to a small model. */
import type { ModelInfo } from "../api.ts";
import { Mark } from "../icons.tsx";
import { words } from "../words.ts";

interface WelcomeProps {
  readonly model: ModelInfo;
  readonly onChoose: (text: string) => void;
}

export function Welcome({ model, onChoose }: WelcomeProps) {
  return (
    <div class="welcome">
      <div class="welcome-inner">
        <Mark />
        <h2>{words.chat.title(model.id)}</h2>
        <p>{words.chat.introduction}</p>
        <ul class="examples" aria-label={words.chat.examplesTitle}>
          {words.chat.examples.map((example) => (
            <li key={example}>
              <button type="button" onClick={() => onChoose(example)}>
                {example}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
