import type { JSX } from 'preact';

import type { ErrorDocument } from './api.ts';
import { ValueView } from './value-view.tsx';

export function ErrorView({
  error,
  title,
}: {
  readonly error: ErrorDocument;
  readonly title: string;
}): JSX.Element {
  return (
    <section class="failure" aria-label={title}>
      <h2>{title}</h2>
      <OneError error={error} />
    </section>
  );
}

function OneError({ error }: { readonly error: ErrorDocument }): JSX.Element {
  const { name, message, place, stack, fields, causes } = error;
  return (
    <div class="one">
      <p class="message">
        <b>{name}</b> <bdi>{message}</bdi>
      </p>
      {place === null ? null : (
        <p>
          <span class="dim">at </span>
          <code>{place}</code>
        </p>
      )}
      {stack === null ? null : (
        <details>
          <summary>Stack</summary>
          <pre>{stack}</pre>
        </details>
      )}
      {fields === null ? null : <ValueView title="Fields" given={fields} whole={undefined} />}
      {causes.map((cause, index) => (
        <div key={index} class="cause">
          <span class="dim">because</span>
          <OneError error={cause} />
        </div>
      ))}
    </div>
  );
}
