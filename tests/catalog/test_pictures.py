"""Pictures elsewhere are tried by a job, and an unreachable one is only recorded."""

from __future__ import annotations

from commercekit.catalog import ImageStatus, NewImage, NewProduct, PictureCheck


async def test_pictures_are_tried_once_and_marked(catalog, database, clock, told):
    made = await catalog.create_product(
        NewProduct(
            slug="mug",
            name={"en": "Mug"},
            images=(
                NewImage(url="https://pics.example/good.jpg"),
                NewImage(url="https://pics.example/gone.jpg"),
                NewImage(url="/media/own.svg"),
            ),
        )
    )
    told.clear()
    tried = []

    async def reach(url):
        tried.append(url)
        return "good" in url

    check = PictureCheck(database, reach)
    assert await check.run() == {ImageStatus.REACHABLE: 1, ImageStatus.UNREACHABLE: 1}
    assert await check.run() == {ImageStatus.REACHABLE: 0, ImageStatus.UNREACHABLE: 0}
    assert tried == ["https://pics.example/good.jpg", "https://pics.example/gone.jpg"]
    images = (await catalog.product(made.id)).images
    assert [image.status for image in images] == ["reachable", "unreachable", "reachable"]
    assert (await catalog.product(made.id)).version == 1
    assert told == []
    assert (
        await database.fetchval(
            "SELECT count(*) FROM catalog_image WHERE checked_at = $1", clock.now()
        )
        == 2
    )


async def test_the_check_runs_as_a_job_of_its_own(catalog, database, told):
    made = await catalog.create_product(
        NewProduct(
            slug="mug", name={"en": "Mug"}, images=(NewImage(url="https://pics.example/a.jpg"),)
        )
    )

    async def reach(url):
        return False

    check = PictureCheck(database, reach)
    (kind,) = check.job_kinds()
    (schedule,) = check.schedules()
    assert (kind.name, schedule.job) == ("catalog.check-pictures", "catalog.check-pictures")
    await kind.handler(None)
    assert [i.status for i in (await catalog.product(made.id)).images] == ["unreachable"]
