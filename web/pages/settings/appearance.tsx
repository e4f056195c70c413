import { Segments } from '../../ui/segments.tsx';
import { chooseContrast, chooseTheme, useContrastChoice, useThemeChoice } from '../../ui/theme.ts';

/** How the pages look in this browser. */
export function Appearance() {
  const theme = useThemeChoice();
  const contrast = useContrastChoice();
  return (
    <div className="rounded-lg border bg-surface">
      <div className="flex flex-wrap items-center justify-between gap-3 border-b px-4 py-3">
        <span className="text-sm">Theme</span>
        <Segments
          label="Theme"
          value={theme}
          onChange={chooseTheme}
          options={[
            { value: 'system', label: 'System' },
            { value: 'light', label: 'Light' },
            { value: 'dark', label: 'Dark' },
          ]}
        />
      </div>
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 py-3">
        <span className="text-sm">Contrast</span>
        <Segments
          label="Contrast"
          value={contrast}
          onChange={chooseContrast}
          options={[
            { value: 'system', label: 'System' },
            { value: 'more', label: 'High' },
          ]}
        />
      </div>
    </div>
  );
}
