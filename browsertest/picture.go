package browsertest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

var screenshots = flag.String("screenshots", "", "keep the tests' screenshots in this folder")

// failures is where a test that fails leaves a last picture of each tab when -screenshots does not say.
const failures = "screenshots"

// Picture is a screenshot.
type Picture struct {
	image.Image
	File string // the PNG
}

// Screenshot takes a picture of what the tab shows, as TESTNAME-NAME.png in the folder that -screenshots names, else in
// the test's artifacts.
func (tab *Tab) Screenshot(name string) Picture {
	tab.t.Helper()
	dir := *screenshots
	if dir == "" {
		dir = tab.t.ArtifactDir()
	}
	var pic Picture
	tab.do("taking a screenshot", func(ctx context.Context) (err error) {
		pic, err = shoot(ctx, dir, tab.t.Name()+"-"+name)
		return err
	})
	return pic
}

// lastPicture is for a test that has failed: it must not fail it once more.
func (tab *Tab) lastPicture() {
	dir := *screenshots
	if dir == "" {
		dir = failures
	}
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	pic, err := shoot(ctx, dir, fmt.Sprintf("%s-failed-tab%d", tab.t.Name(), tab.number))
	if err != nil {
		tab.t.Logf("browsertest: taking a last picture: %v", err)
		return
	}
	tab.t.Logf("browsertest: the tab at the end: %s", pic.File)
}

func shoot(ctx context.Context, dir, name string) (Picture, error) {
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return Picture{}, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return Picture{}, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return Picture{}, err
	}
	file := filepath.Join(dir, strings.NewReplacer("/", "-", " ", "_").Replace(name)+".png")
	return Picture{img, file}, os.WriteFile(file, data, 0o644)
}

// Colors returns how many different colours the picture has: a blank page has one.
func (p Picture) Colors() int {
	seen := map[color.RGBA]struct{}{}
	for y := p.Bounds().Min.Y; y < p.Bounds().Max.Y; y++ {
		for x := p.Bounds().Min.X; x < p.Bounds().Max.X; x++ {
			seen[p.Pixel(x, y)] = struct{}{}
		}
	}
	return len(seen)
}

// Pixel returns the colour at a place; the zero colour outside the picture.
func (p Picture) Pixel(x, y int) color.RGBA {
	return color.RGBAModel.Convert(p.At(x, y)).(color.RGBA)
}
